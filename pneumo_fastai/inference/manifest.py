"The folder of a list's parts: plan.jsonl says what they are and of what, parts.jsonl which of them are finished."
import fcntl
import json
import os
import shutil
from collections import Counter
from pathlib import Path

from ..data.parts import Part, cut
from ..errors import Failed, InputError
from ..runs.files import sha256
from ..screen import note
from ..writing import whole

PLAN, FINISHED = 'plan.jsonl', 'parts.jsonl'
UNFINISHED = 'unfinished'  # the folder that workers write into: one that is late, or was given up, disturbs nobody there
WHAT = dict(model='model, or another --precision', sha256='list', part='--part', ending='kind of file')


def plan(
    folder,
    path,  # of the list
    of,    # what the rows follow from besides, and the lines of a part
) -> tuple[dict, list[Part]]:
    "What plan.jsonl says, written where the folder is new or empty. `InputError` where it is of something else."
    if not (folder/PLAN).is_file(): return begin(folder, path, of)
    try:
        with (folder/PLAN).open('rb') as file: head, *parts = map(json.loads, file)
        parts, differs = [Part(**p) for p in parts], [k for k, v in of.items() if head[k] != v]
    except (ValueError, KeyError, TypeError) as e:
        raise InputError(f'{folder/PLAN} is not what predict wrote; give another --out') from e
    if not differs and head['sha256'] != sha256(path): differs = ['sha256']
    if differs: raise InputError(f'{folder} was begun with another {WHAT[differs[0]]}; give the same again, or another --out')
    return head, parts


def begin(folder, path, of):
    if folder.is_dir() and any(not p.name.startswith('.') for p in folder.iterdir()):
        raise InputError(f'{folder} is not empty; give --out a new or empty folder')
    base = os.getcwd()
    about, parts = cut(path, of['part'], base)
    folder.mkdir(parents=True, exist_ok=True)
    head = dict(of, list=path, base=base, **about)
    with whole(folder/PLAN) as beside, beside.open('w') as file:
        for line in (head, *(p._asdict() for p in parts)): file.write(json.dumps(line) + '\n')
    return head, parts


class Manifest:
    """Which parts are finished, a line of JSON each in parts.jsonl. As a context manager it holds the folder: `InputError` where another
    process does, `Failed` where the disk is full."""
    def __init__(self, folder, head, parts):
        self.folder, self.head, self.parts, self.done, self.before = folder, head, parts, {}, 0

    def __enter__(self):
        self.file = open(os.open(self.folder/FINISHED, os.O_RDWR | os.O_CREAT, 0o666), 'r+b')
        try:
            self.lock()
            self.recall()
            shutil.rmtree(self.folder/UNFINISHED, ignore_errors=True)
            (self.folder/UNFINISHED).mkdir(exist_ok=True)
        except BaseException:
            self.file.close()
            raise
        return self

    def __exit__(self, kind, error, trace):
        shutil.rmtree(self.folder/UNFINISHED, ignore_errors=True)
        self.file.close()
        if not isinstance(error, OSError): return
        what = f'{error.filename or self.folder}: {error.strerror or error}'
        raise Failed(f'{what}; the same command goes on from what is done') from error

    def lock(self):
        try: fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f'{self.folder} is being written by another process; wait, or give another --out') from None

    def recall(self):
        "What was finished before and is as it was written; half a line, which an interruption left, is cut off."
        raw = self.file.read()
        self.file.truncate(end := raw.rfind(b'\n') + 1)
        self.file.seek(end)
        try: found = {r['part']: r for r in map(json.loads, raw[:end].splitlines())}
        except (ValueError, KeyError, TypeError) as e:
            raise InputError(f'{self.folder/FINISHED} is not what predict wrote; give another --out') from e
        self.done = {k: r for k, r in found.items() if self.is_sound(r)}
        self.before = len(self.done)
        if self.done: note(f'{len(self.done):,} of {len(self.parts):,} parts were done before; going on from there')
        if lost := [self.path(k).name for k in found if k not in self.done]:
            note(f'{len(lost):,} parts are not as they were written and are done again, such as {lost[0]}')

    def path(self, part) -> Path: return self.folder/f'part-{part:05}{self.head["ending"]}'

    def is_sound(self, record):
        path = self.path(record['part'])
        try: return path.stat().st_size == record['bytes'] and sha256(path) == record['sha256']
        except OSError: return False

    def missing(self):
        for part in self.parts:
            if part.part not in self.done: yield part

    def add(self, record):
        "A part that a worker has written: now it gets its name, and its line."
        os.replace(self.folder/UNFINISHED/record.pop('wrote'), self.path(record['part']))
        self.file.write(json.dumps(record).encode() + b'\n')
        self.file.flush()  # with the system now: this process may be killed
        self.done[record['part']] = record

    def total(self, of): return sum(r[of] for r in self.done.values())

    @property
    def rows(self): return self.total('rows')

    @property
    def rejected(self): return self.total('rejected')

    @property
    def reasons(self) -> Counter: return sum((Counter(r['reasons']) for r in self.done.values()), Counter())
