"Rows as they come, in a file beside the table that they are for: an interruption loses none, and the same command goes on from them."
import fcntl
import json
import os
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from ..errors import Failed, InputError
from ..writing import whole


def stamp(paths) -> str:
    "A hash of the files' paths, sizes and times of change: other files, or others of these names, have another."
    found = sha256()
    for path in paths:
        try: s = os.stat(path)
        except (OSError, ValueError): s = None  # gone since the folder was listed, or never there: its row will say so
        found.update(f'{path}\0{s and s.st_size}\0{s and s.st_mtime_ns}\n'.encode(errors='surrogateescape'))
    return found.hexdigest()


def whole_lines(file):
    "Yields them; half a line, which an interruption left, is cut off."
    end = 0
    for line in file:
        if not line.endswith(b'\n'): break
        yield line
        end += len(line)
    if file.tell() and not end: raise ValueError('no line')  # a file of someone else's
    file.seek(end)
    file.truncate()


class Journal:
    "A line of JSON that says what the rows are of, then one for each batch: how many rows, how many rejected or warned of, and their text."
    def __init__(self, file, path, about):
        self.file, self.done, self.rejected, self.warned = file, 0, 0, 0
        for i, line in enumerate(whole_lines(file)):
            found = json.loads(line)
            if i: self.count(found)
            elif found != about: raise InputError(
                f'{path} has rows of another model, other files or other heatmaps; remove it or give another --out')
        if not file.tell(): self.line(about)

    def count(self, batch):
        self.done += batch['n']
        self.rejected += batch['rejected']
        self.warned += batch['warned']

    def line(self, values):
        self.file.write(json.dumps(values).encode() + b'\n')
        self.file.flush()  # with the system now: this process may be killed

    def add(self, n, rejected, warned, text):
        batch = dict(n=n, rejected=rejected, warned=warned)
        self.line(batch | dict(text=text))
        self.count(batch)

    def texts(self):
        self.file.seek(0)
        next(self.file)
        for line in self.file: yield json.loads(line)['text']


@contextmanager
def journal(
    out,    # the table's path
    about,  # what its rows follow from; those of something else are not gone on with
    write,  # `write(path, texts)` makes the table of the texts of all its rows
):
    """The `Journal` in OUT.partial; its rows become `out`, and it vanishes, when all is well. `InputError` where it cannot be gone on with,
    `Failed` where the disk is full."""
    out, beside = Path(out), Path(f'{out}.partial')
    with open(os.open(beside, os.O_RDWR | os.O_CREAT, 0o666), 'r+b') as file:
        try: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError: raise InputError(f'{beside} is being written by another process; wait, or give another --out') from None
        try: kept = Journal(file, beside, about)
        except InputError: raise
        except (ValueError, KeyError, TypeError) as e:
            raise InputError(f'{beside} is not what predict wrote; remove it, or give another --out') from e
        try:
            yield kept
            with whole(out) as path: write(path, kept.texts())
        except OSError as e: raise Failed(f'{e.filename or beside}: {e.strerror or e}; the same command goes on from what is done') from e
        beside.unlink()
