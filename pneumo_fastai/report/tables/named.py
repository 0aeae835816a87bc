"What the recipe of a finished run is called, and what of it decides what is learnt."
import functools
import re
from dataclasses import asdict
from pathlib import PurePath

from ...errors import InputError
from ...experiment import Experiment, folder, load_experiment, names
from ...grid import REPEATS, said
from ...recipe import Evaluation
from ...runs.environment import hardware
from ...runs.search import begun_from

REFERENCE = 'weighted'
ENSEMBLE = re.compile(r'ensemble of (\d+) networks \((.*)\)')
BESIDE = {*REPEATS, *names(Evaluation), 'precision'}  # what is no part of what is learnt
TABLE = 'size', 'epochs', 'held_out'  # runs that differ in these are compared only where each is as it is shipped


def networks(run) -> int: return len(run.environment.get('networks', ()))


def experiment_of(run) -> str:
    """The experiment's name, without the values of a sweep; that of a shipped one whose recipe it is, typed under another name. Of an
    ensemble that of its networks, all of them where they are several."""
    found = ENSEMBLE.fullmatch(run.name)
    own = ', '.join(dict.fromkeys(o for o in (found[2] if found else run.name).split(', ') if '=' not in o)) or run.name
    if run.fold: return own
    return next((o for o in (own, REFERENCE, *shipped()) if shipped().get(o) == fields(run.recipe)), own)


@functools.cache
def shipped() -> dict: return {o.stem: fields(asdict(load_experiment(o.stem)[1])) for o in sorted(folder().glob('*.toml'))}


def fields(recipe) -> tuple: return tuple((k, v) for k, v in recipe.items() if k not in BESIDE)
def as_shipped(run) -> bool: return fields(run.recipe) in shipped().values()


def name_of(run) -> str:
    "The experiment and what differs from the shipped one of that name, or from the baseline where none is shipped, `TABLE` aside."
    name = experiment_of(run)
    try: own_file = load_experiment(name.split(', ')[0])[1]
    except InputError: own_file = Experiment()
    own = {k: v for k, v in run.recipe.items() if k not in BESIDE | set(TABLE) and v != getattr(own_file, k)}
    if 'weights' in own: own['weights'] = ', '.join(PurePath(o).name for o in own['weights'].split(', '))
    name = f'ensemble of {networks(run)} networks ({name})' if networks(run) else name
    return ', '.join([name, *(said({k: v}).replace('=', ' ', 1) for k, v in own.items())])


def learnt(run) -> tuple:
    "What decides what is learnt, and not how often or how it is measured; an ensemble is no repetition of anything."
    return *fields(run.recipe | dict(weights=begun_from(run))), str(run.folder) if networks(run) else ''


def at_size(run) -> str: return f'{run.recipe["size"]} px, {run.recipe["epochs"]} epochs'


def precision(run):
    "What it was trained in, of an ensemble what its networks were; the recipe's where the run does not say."
    said = hardware(run.environment).split(', ')
    return ' and '.join(o for o in ('float32', 'bfloat16') if o in said) or run.experiment.precision


def alike(run): return experiment_of(run), precision(run), learnt(run)


def distinct(settings):
    "The names of the settings, with size and epochs where these differ; where two have one name the precision, or where a run lies."
    first = [next(iter(s.values())) for s in settings]
    sizes = [f', {at_size(one.run)}' for one in first] if len({at_size(one.run) for one in first}) > 1 else ['']*len(first)
    own = [(name_of(one.run), size) for one, size in zip(first, sizes, strict=True)]
    full = [f'{n}, {precision(one.run)}{size}' if own.count((n, size)) > 1 else n + size for (n, size), one in zip(own, first, strict=True)]
    return [n if full.count(n) == 1 else f'{n} ({one.at})' for n, one in zip(full, first, strict=True)]
