"Only regular files are read, and of each no more than its size says: a pipe would wait for ever, a device may have no end."
import os
import stat
from contextlib import contextmanager

from ...errors import UnreadableImage


def whole(
    path,
    most,  # bytes; a larger file is refused
) -> bytes:
    "A file's bytes. Raises `UnreadableImage` where it is no regular file or too large, `OSError` where it cannot be opened."
    with opened(path) as (file, size):
        if file is None: raise UnreadableImage(path, 'is no regular file, but a pipe, socket or device')
        if size > most: raise UnreadableImage(path, f'is larger than {most} bytes')
        return file.read(size)


def beginning(path, n) -> bytes:
    "The first `n` bytes of a file, or all that there are; none of what is no regular file."
    with opened(path) as (file, size): return b'' if file is None else file.read(min(n, size))


@contextmanager
def opened(path):
    "(file, its size), or (None, 0) where it is no regular file: opened without waiting, looked at before it is read."
    with open(path, 'rb', opener=lambda p, flags: os.open(p, flags | getattr(os, 'O_NONBLOCK', 0))) as file:
        about = os.fstat(file.fileno())
        yield (file, about.st_size) if stat.S_ISREG(about.st_mode) else (None, 0)
