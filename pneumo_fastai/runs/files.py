"Files of a run: read with one line that says what is wrong, hashed, and written as all files are."
import hashlib
import json

from ..errors import InputError
from ..writing import whole, write  # noqa: F401 (a run's files are written by these)


def read_json(path):
    "What the file holds; `InputError` where it is no JSON object."
    try: value = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError: raise InputError(f'{path} does not exist; a finished run has one') from None
    except (UnicodeDecodeError, json.JSONDecodeError) as e: raise InputError(f'{path} is no JSON ({e}); fit writes it anew') from None
    if not isinstance(value, dict): raise InputError(f'{path} holds no JSON object; fit writes it anew')
    return value


def sha256(path):
    with open(path, 'rb') as file: return hashlib.file_digest(file, 'sha256').hexdigest()
