"Every file decoded once -> one memory-mapped uint8 array and a table of what the headers say. What is damaged is made again."
import json
import logging
import os
import re
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd
from fastcore.basics import chunked

from ..writing import write
from .decoding.dicom import UNOPENED, VERSION, UnreadableImage, read_square
from .pixels import Pixels
from .workers import end_with

TEXTS, NUMBERS = ['view', 'sex', 'patient', 'scale'], ['height', 'width', 'tall', 'spacing', 'frames', 'age']  # of a `Film`
CHUNK = 32  # files a task
ABOUT = dict(images=int, size=int, aspect=str, folder=str)
log = logging.getLogger(__name__)


def home(folder=None) -> Path:
    "The cache folder: the one given, or the user's (XDG Base Directory)."
    return Path(folder) if folder else Path(os.environ.get('XDG_CACHE_HOME') or Path.home()/'.cache')/'pneumo_fastai'


def open_pixels(
    paths,         # files, in any order
    size,          # decoded to size x size
    aspect='pad',  # see `square`
    any_view=False,  # also what says that it is not a frontal chest radiograph
    grey='windowed',  # see `square`
    folder=None,   # the cache folder; None: the user's
    jobs=None,     # processes; None: one a core
    tick=None,     # called with (files done, files in all, rejected so far) while decoding
) -> Pixels:
    "The images from the cache, decoded first where they are new, changed, or decoded otherwise before. Safe between processes."
    from filelock import FileLock
    paths = sorted({str(p) for p in paths})
    spread = {} if grey == 'windowed' else dict(grey=grey)  # what was kept before there was another is used still
    place = home(folder)/'pixels'/_digest([VERSION, TEXTS, NUMBERS, size, aspect, any_view, *spread.values(), paths])
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place/'lock'):
        name = _digest([_stamp(p) for p in paths])  # changes with any file's size or time
        array, table, how = place/f'{name}.npy', place/f'{name}.csv', (size, aspect, any_view, grey)
        about = dict(images=len(paths), size=size, aspect=aspect, folder=os.path.commonpath(paths), **spread)
        if _about(place) != about: write(place/'about.json', json.dumps(about))
        if not _sound(array, table, (len(paths), size, size)):
            if table.exists():
                log.warning('the cache in %s is damaged, or of another version: its images are decoded again', place)
                for file in (table, array): file.unlink(missing_ok=True)
            for old in place.iterdir():
                if old.stem.split('.')[0] not in (name, 'lock', 'about'): old.unlink()
            _build(paths, how, array, table, jobs, tick)
        frame = _again(_read_table(table), how, array, table)
    return Pixels(np.load(array, mmap_mode='r'), frame, place, how)


def _again(frame, how, array, table) -> pd.DataFrame:
    "The table, with the files that could not be opened the last time."
    if not len(closed := frame[frame.reason.str.startswith(UNOPENED, na=False)]): return frame
    for record in _decode([(r, p) for p, r in closed.row.items()], how, array):
        frame.loc[record['path'], list(record)[1:]] = list(record.values())[1:]
    write(table, _sealed(frame.reset_index().to_csv(index=False)))
    return _read_table(table)


def _sound(array, table, shape) -> bool:
    "Whether a finished cache is as it was written, but for the pixels, which are checked as they are read."
    try: return _fits(array, shape) and _unsealed(table.read_bytes()) is not None
    except OSError: return False


def _fits(array, shape) -> bool:
    "Whether an array file has the beginning and the size that go with this shape."
    np.lib.format.write_array_header_1_0(header := BytesIO(), dict(descr='|u1', fortran_order=False, shape=shape))
    with array.open('rb') as file: same = file.read(header.tell()) == header.getvalue()
    return same and array.stat().st_size == header.tell() + np.prod(shape)


def _sealed(text) -> str:
    "A text behind its checksum."
    return f'{crc32(text.encode()):08x} {text}'


def _unsealed(data) -> bytes | None:
    "What `_sealed` sealed; None where it is not what it was."
    return data[9:] if data[:9] == b'%08x ' % crc32(memoryview(data)[9:]) else None


def _read_table(table) -> pd.DataFrame:
    "The table of a finished cache, by path."
    texts = ['reason', *TEXTS]
    data = BytesIO(_unsealed(table.read_bytes()))
    frame = pd.read_csv(data, dtype=dict.fromkeys(['path', *texts], str), keep_default_na=False, na_values=dict.fromkeys(NUMBERS, ''))
    frame = frame.set_index('path')
    frame[texts] = frame[texts].astype(object).replace('', None)
    return frame


def _stamp(path):
    try: s = os.stat(path)
    except OSError: return None
    return s.st_size, s.st_mtime_ns


def _digest(value) -> str: return sha256(json.dumps(value).encode()).hexdigest()[:16]


def _build(paths, how, array, table, jobs, tick):
    "Decode `paths` into `array`, then write `table`, whose presence says that both are there. Goes on where an interrupted build stopped."
    from joblib import Parallel, cpu_count, delayed
    partial, journal = array.with_suffix('.partial'), array.with_suffix('.jsonl')
    records = _so_far(partial, journal, (len(paths), how[0], how[0]))
    done = {r['row'] for r in records}
    todo = [(row, path) for row, path in enumerate(paths) if row not in done]
    jobs = 1 if len(todo) < 4 * CHUNK else jobs or cpu_count()  # starting processes costs a second
    tasks = (delayed(_decode)(chunk, how, partial) for chunk in chunked(todo, CHUNK))
    with journal.open('a', encoding='utf-8') as lines:
        for some in Parallel(n_jobs=jobs, return_as='generator_unordered', initializer=end_with, initargs=(os.getpid(),))(tasks):
            lines.write(_sealed(json.dumps(some) + '\n'))
            lines.flush()
            records += some
            if tick: tick(len(records), len(paths), sum(r['reason'] is not None for r in records))
    os.replace(partial, array)
    frame = pd.DataFrame(records, columns=['path', 'row', 'reason', 'crc', *TEXTS, *NUMBERS]).sort_values('row')
    write(table, _sealed(frame.to_csv(index=False)))
    journal.unlink()


def _so_far(partial, journal, shape) -> list[dict]:
    "The records of an interrupted build whose rows are in `partial`; a new, empty array where there is none."
    try:
        if _fits(partial, shape):
            lines = map(_unsealed, journal.read_bytes().splitlines(keepends=True))  # a killed process may leave half a one
            return [r for line in lines if line is not None for r in json.loads(line)]
    except OSError: pass
    journal.unlink(missing_ok=True)
    np.lib.format.open_memmap(partial, 'w+', np.uint8, shape).flush()
    if hasattr(os, 'posix_fallocate'):  # a full disk is an error here, not a crash in the middle of a memory-mapped row
        with partial.open('r+b') as f: os.posix_fallocate(f.fileno(), 0, partial.stat().st_size)
    return []


def _decode(chunk, how, array) -> list[dict]:
    "Decode (row, path) pairs into their rows of the array file; one record a file."
    out, records = np.lib.format.open_memmap(array, 'r+'), []
    for row, path in chunk:
        record = dict(path=path, row=row, reason=None, crc=0)
        try:
            out[row], film = read_square(path, *how)
            record |= dict(crc=crc32(out[row])) | {k: getattr(film, k) for k in TEXTS + NUMBERS}
        except UnreadableImage as e: record['reason'] = e.reason
        records.append(record)
    out.flush()
    return records


def listing(folder=None) -> pd.DataFrame:
    """What the cache folder holds: key, megabytes on disk, images, size, aspect, grey (blank: as read), folder (of the images), state
    ('damaged', 'unfinished' or ''), path; the demo sets too. Pixels are not read: of the damages to them those of the file's size are
    known here."""
    kept = [p for p in (home(folder)/'pixels').glob('*') if re.fullmatch('[0-9a-f]{16}', p.name) and p.is_dir()]
    found = [(p, dict(_about(p) or {}, state=_state(p))) for p in kept]
    found += [(p, dict(images=len(list((p/'stage_2_train_images').glob('*'))), folder='the demo set', state=''))
              for p in home(folder).glob('demo-*-v*') if (p/'SYNTHETIC').exists()]
    rows = [dict(key=p.name, megabytes=_disk(p) / 1e6, **about, path=str(p)) for p, about in found]
    columns = ['key', 'megabytes', 'images', 'size', 'aspect', 'grey', 'folder', 'state', 'path']
    return pd.DataFrame(rows, columns=columns).sort_values('key', ignore_index=True)


def _about(place) -> dict | None:
    "What about.json says; None where it is damaged."
    try: about = json.loads((place/'about.json').read_text(encoding='utf-8'))
    except (OSError, ValueError): return None
    right = isinstance(about, dict) and {k: type(v) for k, v in about.items()} in (ABOUT, ABOUT | dict(grey=str))
    return about if right else None


def _state(place) -> str:
    if not (about := _about(place)): return 'damaged'
    tables = list(place.glob('[!.]*.csv'))  # none that was being written when its process was killed
    if not tables: return 'unfinished'
    shape = about['images'], about['size'], about['size']
    return '' if all(_sound(t.with_suffix('.npy'), t, shape) for t in tables) else 'damaged'


def _disk(folder) -> int: return sum(f.stat().st_blocks * 512 for f in folder.rglob('*') if f.is_file())
