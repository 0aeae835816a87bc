"Every file decoded once -> one memory-mapped uint8 array and a table of what the headers say."
import json
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
from fastcore.basics import chunked

from .dicom import VERSION, UnreadableImage, read_square

HEADER = ['view', 'sex', 'age', 'patient', 'spacing']
CHUNK = 32  # files a task


@dataclass
class Pixels:
    "Decoded images: `array` (n, size, size) uint8, memory-mapped; `table` one row an image, indexed by path."
    array:np.ndarray
    table:pd.DataFrame  # row, reason (None: decoded), height and width as stored, view, sex, age, patient, spacing
    folder:Path

    def __post_init__(self): self.rows = dict(zip(self.table.index, self.table.row, strict=True))

    def __contains__(self, path): return str(path) in self.rows

    def __getitem__(self, path) -> np.ndarray: return self.array[self.rows[str(path)]]


def home(folder=None) -> Path:
    "The cache folder: the one given, or the user's (XDG Base Directory)."
    return Path(folder) if folder else Path(os.environ.get('XDG_CACHE_HOME') or Path.home()/'.cache')/'pneumo_fastai'


def open_pixels(
    paths,         # files, in any order
    size,          # decoded to size x size
    aspect='pad',  # see `square`
    folder=None,   # the cache folder; None: the user's
    jobs=None,     # processes; None: one a core
    tick=None,     # called with (files done, files in all, rejected so far) while decoding
) -> Pixels:
    "The images from the cache, decoded first where they are new, changed, or decoded otherwise before. Safe between processes."
    from filelock import FileLock
    paths = sorted({str(p) for p in paths})
    place = home(folder)/'pixels'/_digest([VERSION, HEADER, size, aspect, paths])
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place/'lock'):
        name = _digest([_stamp(p) for p in paths])  # changes with any file's size or time
        array, table = place/f'{name}.npy', place/f'{name}.csv'
        if not table.exists():
            for old in [*place.glob('*.npy'), *place.glob('*.csv'), *place.glob('*.partial')]: old.unlink()
            _build(paths, size, aspect, array, table, jobs, tick)
    dtypes = {'path': str, 'reason': str, 'view': str, 'sex': str, 'patient': str}
    numbers = dict.fromkeys(('age', 'spacing', 'height', 'width'), '')
    frame = pd.read_csv(table, dtype=dtypes, keep_default_na=False, na_values=numbers).set_index('path')
    frame[['reason', 'view', 'sex', 'patient']] = frame[['reason', 'view', 'sex', 'patient']].astype(object).replace('', None)
    return Pixels(np.load(array, mmap_mode='r'), frame, place)


def _stamp(path):
    try: s = os.stat(path)
    except OSError: return None
    return s.st_size, s.st_mtime_ns


def _digest(value) -> str: return sha256(json.dumps(value).encode()).hexdigest()[:16]


def _build(paths, size, aspect, array, table, jobs, tick):
    "Decode `paths` into `array`, then write `table`: its presence says that both are whole."
    from joblib import Parallel, cpu_count, delayed
    partial = array.with_suffix('.partial')
    np.lib.format.open_memmap(partial, 'w+', np.uint8, (len(paths), size, size)).flush()
    jobs = 1 if len(paths) < 4 * CHUNK else jobs or cpu_count()  # starting processes costs a second
    tasks = (delayed(_decode)(chunk, size, aspect, partial) for chunk in chunked(enumerate(paths), CHUNK))
    records = []
    for some in Parallel(n_jobs=jobs, return_as='generator_unordered')(tasks):
        records += some
        if tick: tick(len(records), len(paths), sum(r['reason'] is not None for r in records))
    os.replace(partial, array)
    written = table.with_suffix('.csv.partial')
    pd.DataFrame(records, columns=['path', 'row', 'reason', 'height', 'width', *HEADER]).sort_values('row').to_csv(written, index=False)
    os.replace(written, table)


def _decode(chunk, size, aspect, array) -> list[dict]:
    "Decode (row, path) pairs into their rows of the array file; one record a file."
    out, records = np.lib.format.open_memmap(array, 'r+'), []
    for row, path in chunk:
        record = dict(path=path, row=row, reason=None)
        try:
            out[row], film = read_square(path, size, aspect)
            record |= {k: getattr(film, k) for k in HEADER} | dict(zip(('height', 'width'), film.pixels.shape, strict=True))
        except UnreadableImage as e: record['reason'] = e.reason
        records.append(record)
    out.flush()
    return records
