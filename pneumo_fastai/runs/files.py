"Files of a run: written whole or not at all, read with one line that says what is wrong, and hashed."
import hashlib
import json
import os
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError


def read_json(path):
    "What the file holds; `InputError` where it is no JSON object."
    try: value = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError: raise InputError(f'{path} does not exist; a finished run has one') from None
    except (UnicodeDecodeError, json.JSONDecodeError) as e: raise InputError(f'{path} is no JSON ({e}); fit writes it anew') from None
    if not isinstance(value, dict): raise InputError(f'{path} holds no JSON object; fit writes it anew')
    return value


def sha256(path):
    with open(path, 'rb') as file: return hashlib.file_digest(file, 'sha256').hexdigest()


@contextmanager
def whole(path, mark=None):
    "The path of a file beside, with the same ending, that becomes `path` when all is well and vanishes when not."
    path = Path(path)
    beside = path.with_name(f'.{mark or os.getpid()}-{path.name}')
    try:
        yield beside
        beside.replace(path)
    except OSError as e:
        if e.filename is None: e.filename = str(path)  # a full disk names no file
        raise
    finally: beside.unlink(missing_ok=True)


def write(path, text):
    "The whole file or none of it; returns the path."
    with whole(path) as beside: beside.write_text(text, encoding='utf-8')
    return Path(path)
