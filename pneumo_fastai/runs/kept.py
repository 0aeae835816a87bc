"""What the tables of a study are made of, in one small archive: of each finished run its recipe, splits, predictions, hardware and numbers.
No image, no network and no patient's age, sex, finding or box is in it, and no folder of the machine it was made on; images and patients
are named as the data set names them, for intervals are drawn by patient."""
import json
import lzma
import shutil
import tarfile
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePath

from ..errors import InputError
from ..experiment import toml
from ..writing import whole, write
from .checksums import SUMS, write_sums
from .external import FILE
from .files import read_json
from .search import MAPS, METRICS
from .tables import write_table

ENDING = '.tar.xz'
MEASURED = 'threshold', 'valid', 'test', 'calibration', 'baseline'  # of metrics.json: its subgroups may be a patient each
MADE_WITH = ('precision', 'device', 'processor', 'cores', 'threads', 'processes', 'system', 'python', 'packages', 'code', 'training',
             'checksums')  # of environment.json
BEGUN_FROM = 'sha256', 'loaded', 'not_loaded'  # of what it says of `weights`


def keep(
    found,  # a `runs.search.Found`
    file,   # ends in `ENDING`
):
    "The archive, of a folder for each run; `unpacked` reads it back, and so does tar. The same runs are the same bytes. Returns its path."
    with tempfile.TemporaryDirectory() as top, whole(file) as beside:
        for one in sorted([*found.runs, *found.elsewhere], key=lambda one: one.at): put(one, Path(top)/one.at)
        with tarfile.open(beside, 'w:xz') as archive:
            for folder in sorted(Path(top).iterdir()): archive.add(folder, folder.name, filter=bare)
    return Path(file)


def put(one, folder):
    "The files of one run that its numbers in a study come from, with checksums of their own where it had any."
    while folder.exists(): folder = folder.with_name(f'{folder.name}_')  # of another place, under the same name
    folder.mkdir(parents=True)
    run = one.run
    write_table(folder/'predictions.csv', run.predictions)
    write_table(folder/'split.csv', run.cohort.assign(age=None, sex=None, detail=None, boxes='[]'))
    write(folder/'experiment.toml', toml(replace(run.experiment, weights=PurePath(run.experiment.weights).name)))
    said = {'environment.json': environment(run), METRICS: some(one.metrics, MEASURED)}
    if run.of: said[FILE] = run.of | dict(folder=PurePath(run.of['folder']).name, metrics=some(run.of['metrics'], MEASURED))
    if (run.folder/MAPS).is_file(): said[MAPS] = of_maps(read_json(run.folder/MAPS))
    for name, what in said.items(): write(folder/name, json.dumps(what, indent=1))
    if (run.folder/SUMS).is_file(): write_sums(folder)


def some(found, names): return {k: found[k] for k in names if k in found}


def environment(run):
    "Of its environment.json what was computed on what, and from which weights."
    found = dict(experiment=run.name, data=run.data, **some(run.environment, MADE_WITH))
    if begun := run.environment.get('weights'): found['weights'] = some(begun, BEGUN_FROM)
    if networks := run.environment.get('networks'): found['networks'] = [network(n) for n in networks]
    return found


def network(said):
    recipe = said['recipe'] | dict(weights=PurePath(said['recipe'].get('weights', '')).name)
    return said | dict(folder=PurePath(said['folder']).name, command='not kept', recipe=recipe)


def of_maps(found):
    "What localization.json says, without its groups of few images and the runs that it was compared with."
    return found | dict(localization=found['localization'] | ({} if 'reason' in found['localization'] else dict(by={})), others=[])


def bare(entry):
    "An entry of the archive that says nothing of who made it, where and when."
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ''
    entry.mode = 0o755 if entry.isdir() else 0o644
    return entry


@contextmanager
def unpacked(places):
    """The places, for each archive among them a folder of what is in it, which is there as long as the context is; and of each such folder
    the name of its archive."""
    with tempfile.TemporaryDirectory() as top:
        archives = {unpack(o, Path(top)/str(i)): str(o) for i, o in enumerate(places) if str(o).lower().endswith(ENDING)}
        by_name = {name: folder for folder, name in archives.items()}
        yield [by_name.get(str(o), o) for o in places], archives


def unpack(file, folder):
    if not Path(file).is_file(): raise InputError(f'{file} does not exist; give an archive that study --keep wrote, or folders of runs')
    folder.mkdir()
    try:
        with lzma.open(file) as packed, tempfile.TemporaryFile() as plain:
            shutil.copyfileobj(packed, plain)  # the whole first, which checks its sums: tarfile takes what is damaged for the end
            plain.seek(0)
            with tarfile.open(fileobj=plain) as archive: archive.extractall(folder, filter='data')
    except (tarfile.TarError, lzma.LZMAError, OSError, EOFError) as e: raise InputError(f'{file} cannot be unpacked: {e}') from None
    return folder
