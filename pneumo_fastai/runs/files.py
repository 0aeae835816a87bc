"Files of a run: written whole or not at all, read with one line that says what is wrong, and hashed."
import errno
import hashlib
import json
import os
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError

BY = {'metrics.json': 'evaluate', 'calibration.json': 'evaluate', 'cv.json': 'evaluate', 'localization.json': 'gradcam',
      'gradcam.npz': 'gradcam', 'gradcam.png': 'gradcam', 'mean_maps.png': 'gradcam', 'top_losses.html': 'gradcam'}  # the rest: fit


def anew(path):
    "What writes a file of a run's folder once more, in words."
    by = BY.get(Path(path).name)
    return f'python -m pneumo_fastai.{by} RUN writes it anew' if by else 'fit writes it anew'


def no_number(text): raise ValueError(f'{text} is no number of JSON')


def read_json(path):
    "What the file holds; `InputError` where it is no JSON object."
    try: value = json.loads(path.read_text(encoding='utf-8'), parse_constant=no_number)
    except FileNotFoundError: raise InputError(f'{path} does not exist; {anew(path)}') from None
    except (ValueError, RecursionError) as e: raise InputError(f'{path} is no JSON ({e}); {anew(path)}') from None
    if not isinstance(value, dict): raise InputError(f'{path} holds no JSON object; {anew(path)}')
    return value


def sha256(path):
    with open(path, 'rb') as file: return hashlib.file_digest(file, 'sha256').hexdigest()


@contextmanager
def whole(path, mark=None):
    "The path of a file beside, with the same ending, that becomes `path` when all is well and vanishes when not."
    path = Path(path)
    if path.is_dir(): raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))  # now, and not after the work
    beside = path.with_name(f'.{mark or os.getpid()}-{path.name}')
    try:
        yield beside
        beside.replace(path)
    except OSError as e:
        if e.filename in (None, str(beside)): e.filename = str(path)  # a full disk names no file
        raise
    finally: beside.unlink(missing_ok=True)


def write(path, text):
    "The whole file or none of it; returns the path."
    with whole(path) as beside: beside.write_text(text, encoding='utf-8')
    return Path(path)
