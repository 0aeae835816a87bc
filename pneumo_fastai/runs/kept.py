"""What the tables of a study are made of, in one small archive: of each finished run its recipe, splits, predictions, hardware and numbers.
No image, no network and no patient's age, sex, finding or box is in it, and no folder of the machine it was made on; images and patients
are named as the data set names them, for intervals are drawn by patient."""
import re
import shutil
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError
from ..writing import whole, write
from .checksums import SUMS, write_sums
from .external import FILE
from .files import sha256
from .search import SAID
from .tables import write_table

ENDING = '.tar.xz'
TEXTS = 'experiment.toml', 'environment.json', FILE, *SAID
FOLDERS = re.compile(r'(?<![\w.~-])~?/(?:[^\s/"]+/)*(?=[^\s/"])')  # of an absolute path, what stands before its last name


def keep(
    found,  # a `runs.search.Found`
    file,   # ends in `ENDING`
):
    "The archive, of a folder for each run; `unpacked` reads it back, and so does tar. Returns its path."
    with tempfile.TemporaryDirectory() as top, whole(file) as beside:
        for one in (*found.runs, *found.elsewhere): put(one, Path(top))
        with tarfile.open(beside, 'w:xz') as archive: archive.add(top, '.', filter=bare)
    return Path(file)


def put(one, top):
    "A folder of the files of one run that its numbers in a study come from, with checksums of their own, which name it."
    (folder := top/'new').mkdir()
    write_table(folder/'predictions.csv', one.run.predictions)
    write_table(folder/'split.csv', one.run.cohort.assign(age=None, sex=None, detail=None, boxes='[]'))
    for name in TEXTS:
        if (source := one.run.folder/name).is_file(): write(folder/name, FOLDERS.sub('', source.read_text(encoding='utf-8')))
    write_sums(folder)
    folder.rename(top/sha256(folder/SUMS)[:12])


def bare(entry):
    "An entry of the archive that says nothing of who made it and when: the same runs are the same bytes."
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ''
    return entry


@contextmanager
def unpacked(places):
    "The places, for each archive among them a folder of what is in it, which is there as long as the context is."
    with tempfile.TemporaryDirectory() as top:
        yield [unpack(o, Path(top)/str(i)) if str(o).endswith(ENDING) else o for i, o in enumerate(places)]


def unpack(file, folder):
    if not Path(file).is_file(): raise InputError(f'{file} does not exist; give an archive that study --keep wrote, or folders of runs')
    try: shutil.unpack_archive(file, folder, filter='data')
    except (tarfile.TarError, OSError, EOFError) as e: raise InputError(f'{file} cannot be unpacked: {e}') from None
    return folder
