"Every file decoded once -> one memory-mapped uint8 array and a table of what the headers say."
import json
import os
import weakref
from bisect import bisect_left
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
from fastcore.basics import chunked

from .dicom import UNOPENED, VERSION, UnreadableImage, read_square

TEXTS, NUMBERS = ['view', 'sex', 'patient', 'scale'], ['height', 'width', 'tall', 'spacing', 'frames', 'age']  # of a `Film`
CHUNK = 32  # files a task


@dataclass
class Pixels:
    "Decoded images: `array` (n, size, size) uint8, memory-mapped; `table` one row an image, indexed by path."
    array:np.ndarray
    table:pd.DataFrame  # row, reason (None: decoded), and what `Film` says, by the names it has there
    folder:Path

    def __post_init__(self):
        table = self.table.sort_index()
        self.paths, self.rows = table.index.to_numpy(object), table.row.to_numpy()
        self.file = os.open(self.array.filename, os.O_RDONLY)  # held: where the file is replaced, this is still the old one
        weakref.finalize(self, os.close, self.file)

    def row(self, path) -> int | None:
        "Where in `array` the image is; None where it is not. By halving: a dictionary of a million paths takes 100 MB."
        at = bisect_left(self.paths, path := str(path))
        return int(self.rows[at]) if at < len(self.paths) and self.paths[at] == path else None

    def __contains__(self, path): return self.row(path) is not None

    def __getitem__(self, path) -> np.ndarray:
        if (row := self.row(path)) is None: raise KeyError(path)
        return self.read([row])[0]

    def read(self, rows, out=None) -> np.ndarray:
        "(n, size, size) uint8: the images of `rows`, into `out` if given. Read, not mapped: mapped pages count as the process's memory."
        out = np.empty((len(rows), *self.array.shape[1:]), np.uint8) if out is None else out
        for image, row in zip(out, rows, strict=True):
            if os.preadv(self.file, [image], self.array.offset + int(row) * image.nbytes) != image.nbytes:
                raise OSError(f'{self.array.filename} is shorter than it was')
        return out


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
    any_view=False,  # also what says that it is not a frontal chest radiograph
) -> Pixels:
    "The images from the cache, decoded first where they are new, changed, or decoded otherwise before. Safe between processes."
    from filelock import FileLock
    paths = sorted({str(p) for p in paths})
    place = home(folder)/'pixels'/_digest([VERSION, TEXTS, NUMBERS, size, aspect, any_view, paths])
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place/'lock'):
        name = _digest([_stamp(p) for p in paths])  # changes with any file's size or time
        array, table = place/f'{name}.npy', place/f'{name}.csv'
        if not table.exists():
            for old in place.iterdir():
                if old.stem.split('.')[0] not in (name, 'lock'): old.unlink()
            _write(place/'about.json', json.dumps(dict(images=len(paths), size=size, aspect=aspect, folder=os.path.commonpath(paths))))
            _build(paths, (size, aspect, any_view), array, table, jobs, tick)
        frame = _read_table(table)
        if len(again := frame[frame.reason.str.startswith(UNOPENED, na=False)]):
            for record in _decode([(r, p) for p, r in again.row.items()], (size, aspect, any_view), array):
                frame.loc[record['path'], list(record)[1:]] = list(record.values())[1:]
            _write(table, frame.reset_index().to_csv(index=False))
            frame = _read_table(table)
    return Pixels(np.load(array, mmap_mode='r'), frame, place)


def _read_table(table) -> pd.DataFrame:
    "The table of a finished cache, by path."
    texts = ['reason', *TEXTS]
    frame = pd.read_csv(table, dtype=dict.fromkeys(['path', *texts], str), keep_default_na=False, na_values=dict.fromkeys(NUMBERS, ''))
    frame = frame.set_index('path')
    frame[texts] = frame[texts].astype(object).replace('', None)
    return frame


def _stamp(path):
    try: s = os.stat(path)
    except OSError: return None
    return s.st_size, s.st_mtime_ns


def _digest(value) -> str: return sha256(json.dumps(value).encode()).hexdigest()[:16]


def _write(path, text):
    path.with_name(f'{path.name}.partial').write_text(text, encoding='utf-8')
    os.replace(path.with_name(f'{path.name}.partial'), path)


def _build(paths, how, array, table, jobs, tick):
    "Decode `paths` into `array`, then write `table`: its presence says that both are whole. Goes on where an interrupted build stopped."
    from joblib import Parallel, cpu_count, delayed
    partial, journal = array.with_suffix('.partial'), array.with_suffix('.jsonl')
    records = _so_far(partial, journal, (len(paths), how[0], how[0]))
    done = {r['row'] for r in records}
    todo = [(row, path) for row, path in enumerate(paths) if row not in done]
    jobs = 1 if len(todo) < 4 * CHUNK else jobs or cpu_count()  # starting processes costs a second
    tasks = (delayed(_decode)(chunk, how, partial) for chunk in chunked(todo, CHUNK))
    with journal.open('a', encoding='utf-8') as log:
        for some in Parallel(n_jobs=jobs, return_as='generator_unordered')(tasks):
            log.write(json.dumps(some) + '\n')
            log.flush()
            records += some
            if tick: tick(len(records), len(paths), sum(r['reason'] is not None for r in records))
    os.replace(partial, array)
    frame = pd.DataFrame(records, columns=['path', 'row', 'reason', *TEXTS, *NUMBERS]).sort_values('row')
    _write(table, frame.to_csv(index=False))
    journal.unlink()


def _so_far(partial, journal, shape) -> list[dict]:
    "The records of an interrupted build whose rows are in `partial`; a new, empty array where there is none."
    try:
        if np.load(partial, mmap_mode='r').shape == shape:
            lines = journal.read_text(encoding='utf-8').splitlines(keepends=True)
            return [r for line in lines if line.endswith('\n') for r in json.loads(line)]  # a killed process may leave half a line
    except (OSError, ValueError): pass
    journal.unlink(missing_ok=True)
    np.lib.format.open_memmap(partial, 'w+', np.uint8, shape).flush()
    if hasattr(os, 'posix_fallocate'):  # a full disk is an error here, not a crash in the middle of a memory-mapped row
        with partial.open('r+b') as f: os.posix_fallocate(f.fileno(), 0, partial.stat().st_size)
    return []


def _decode(chunk, how, array) -> list[dict]:
    "Decode (row, path) pairs into their rows of the array file; one record a file."
    out, records = np.lib.format.open_memmap(array, 'r+'), []
    for row, path in chunk:
        record = dict(path=path, row=row, reason=None)
        try:
            out[row], film = read_square(path, *how)
            record |= {k: getattr(film, k) for k in TEXTS + NUMBERS}
        except UnreadableImage as e: record['reason'] = e.reason
        records.append(record)
    out.flush()
    return records


def listing(folder=None) -> pd.DataFrame:
    "What the cache folder holds: key, megabytes on disk, images, size, aspect, folder (of the images), path; the demo sets too."
    found = [(p, json.loads((p/'about.json').read_text())) for p in (home(folder)/'pixels').glob('*') if (p/'about.json').exists()]
    found += [(p, dict(images=len(list((p/'stage_2_train_images').glob('*'))), folder='the demo set'))
              for p in home(folder).glob('demo-*-v*') if (p/'SYNTHETIC').exists()]
    rows = [dict(key=p.name, megabytes=_disk(p) / 1e6, **about, path=str(p)) for p, about in found]
    columns = ['key', 'megabytes', 'images', 'size', 'aspect', 'folder', 'path']
    return pd.DataFrame(rows, columns=columns).sort_values('key', ignore_index=True)


def _disk(folder) -> int: return sum(f.stat().st_blocks * 512 for f in folder.rglob('*') if f.is_file())
