"Every finished run below some folders, evaluations elsewhere among them; what else lies there is named, with why it is left out."
import os
import re
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path, PurePath

from ..csv_files import csv_text
from ..errors import InputError, readable
from .checksums import altered
from .files import STATE, read_json
from .folder import GRID, Run, ended, is_cross_validation, is_sweep, read_run
from .images import within
from .state import PARTIAL, state
from .sweeps import FAILED, grid_of, reason_of

BEGUN = {'experiment.toml', 'environment.json', STATE}  # any of them makes a folder that of a run
NEEDED = 'predictions.csv', 'metrics.json'
SAID = METRICS, MAPS = 'metrics.json', 'localization.json'
OF_FOLDS = re.compile(r'fold-\d+(\.\w+)?')


@dataclass
class Finished:
    "A finished `run`, what its metrics.json holds, and `at`: where it lies, within what all folders that were given have in common."
    run:Run
    metrics:dict
    at:str


@dataclass
class Found:
    "`runs` are single trainings and ensembles, `elsewhere` evaluations of a run on other images; the rest says why, by its place."
    runs:list = field(default_factory=list)
    elsewhere:list = field(default_factory=list)
    unfinished:dict = field(default_factory=dict)
    left_out:dict = field(default_factory=dict)


def search(
    folders,
    tick=lambda done, total: None,
    archives=None,  # of those folders that `kept.unpacked` made: the name of the archive
) -> Found:
    "By place. Raises `InputError` where one is no folder, or where nothing finished is in any."
    archives = archives or {}
    for folder in folders:
        if not Path(folder).is_dir(): raise InputError(f'{folder} is no folder; give one that holds runs')
    found, seen, visited = Found(), {}, set()
    own = [Path(folder).resolve().parent for folder in folders if folder not in archives]
    def top(folder): return Path(folder).resolve() if folder in archives else os.path.commonpath(own)
    places = dict(o for folder in folders for o in begun(Path(folder).resolve(), top(folder), found.unfinished, visited))
    for i, (place, at) in enumerate(places.items(), 1):
        put(found, place, at, seen)
        tick(i, len(places))
    for ones in (found.runs, found.elsewhere): ones.sort(key=lambda one: one.at)
    if found.runs or found.elsewhere: return found
    others = found.unfinished | found.left_out
    first = next((f', {len(others)} that are none or not finished, the first {at}: {why}' for at, why in others.items()), '')
    raise InputError(f'no finished run in {", ".join(str(archives.get(o, o)) for o in folders)}{first}; give folders in which fit ended')


def begun(folder, top, missing, visited):
    "(folder, its name within `top`) of each run, at any depth, links followed; the members that a sweep has not trained go to `missing`."
    def name(place): return readable(str(Path(place).relative_to(top))).removesuffix(PARTIAL)
    for here, names, files in os.walk(folder, followlinks=True, onerror=unread):
        names[:] = sorted(o for o in names if not o.startswith('.'))
        if (real := os.path.realpath(here)) in visited: names.clear()
        elif is_sweep(here): missing |= {name(Path(here)/k): why for k, why in untrained(Path(here))}
        elif BEGUN & set(files):
            names[:] = [o for o in names if not OF_FOLDS.fullmatch(o)]  # a cross-validation is read as one
            yield Path(here), name(here)
        visited.add(real)


def unread(error): raise error


def untrained(folder):
    "(name, why) of each member of a sweep that has no folder."
    try: members = grid_of(folder).members
    except InputError as e: return [(GRID, str(e))]
    def why(name): return f'failed: {reason_of(file)}' if (file := folder/f'{name}{FAILED}').is_file() else 'not trained yet'
    return [(m.name, why(m.name)) for m in members if not any((folder/f'{m.name}{o}').is_dir() for o in ('', PARTIAL))]


def put(found, place, at, seen):
    "The run of this folder where it belongs in `found`; `seen` are those before it, by what they predicted."
    try:
        if is_cross_validation(place): raise InputError('it is a cross-validation, which measures each image once: a table of its own')
        if why := unfinished(place): return found.unfinished.update({at: why})
        one = finished(place, at)
    except InputError as e: return found.left_out.update({at: str(e).removeprefix(f'{place}: ').replace(str(place), at)})
    if twin := seen.get(key := identity(one.run)): return found.left_out.update({at: f'it is a copy of {twin}'})
    seen[key] = at
    (found.elsewhere if one.run.of else found.runs).append(one)


def identity(run) -> tuple:
    "What two runs have in common where one is a copy of the other, or what is kept of it."
    predicted = csv_text(run.predictions, float_format='%.8g').encode('utf-8', 'surrogateescape')
    return sha256(predicted).hexdigest(), replace(run.experiment, weights=begun_from(run)), (run.of or {}).get('sha256')


def begun_from(run) -> str:
    "The weights that its training started from, by what is in them; by their name where it does not say."
    return run.environment.get('weights', {}).get('sha256') or PurePath(run.experiment.weights).name


def unfinished(place) -> str:
    "How a run is doing that is not finished, else nothing."
    word, why = state(place)
    if word: return '' if word == 'done' else f'{word}: {why}' if why else word
    return '' if all((place/name).is_file() for name in NEEDED) else 'not finished'


def finished(place, at) -> Finished:
    "`InputError` for what is neither a run nor an evaluation of one, is not as it was when it ended, or has no numbers."
    run = ended(read_run(place))
    if run.adapted: raise InputError('it is adapted to the patients that it was measured among')
    if changed := altered(place, SAID): raise InputError(changed[0])
    names = dict(zip(run.cohort['path'], within(run.cohort['path']), strict=True))
    for table in (run.cohort, run.predictions): table['path'] = [names.get(o, o) for o in table['path']]
    return Finished(run, read_json(place/'metrics.json'), at)
