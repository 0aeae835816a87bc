"Files that appear whole or not at all: written beside, then renamed."
import errno
import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path

BESIDE = re.compile(r'\.(\d+|whole)-')  # how such a name begins


@contextmanager
def whole(path, mark=None):
    "The path of a file or folder beside, with the same ending, that becomes `path` when all is well and vanishes when not."
    path = Path(path)
    if path.is_dir(): raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))  # now, and not after the work
    beside = path.with_name(f'.{mark or os.getpid()}-{path.name}')
    try:
        yield beside
        beside.replace(path)
    except OSError as e:
        if e.filename in (None, str(beside)): e.filename = str(path)  # a full disk names no file
        raise
    finally: shutil.rmtree(beside) if beside.is_dir() else beside.unlink(missing_ok=True)


def half_written(folder) -> list:
    "What `whole` had begun, anywhere in the folder, when its process was killed."
    return [o for o in Path(folder).rglob('.*') if BESIDE.match(o.name)]


def write(path, text):
    "The whole file or none of it; returns the path."
    with whole(path) as beside: beside.write_text(text, encoding='utf-8')
    return Path(path)
