"Files of a run: read with one line that says what is wrong, and hashed."
import hashlib
import json
from pathlib import Path

from ..errors import InputError

STATE, LOCK = 'state.json', 'lock'  # of a run: how it is doing, and what the process that works on it holds

BY = dict.fromkeys(('metrics.json', 'calibration.json', 'cv.json'), 'evaluate') | dict.fromkeys(
    ('gradcam.npz', 'localization.json', 'gradcam.png', 'cases.png', 'mean_maps.png', 'top_losses.html'), 'gradcam') | dict.fromkeys(
    ('run.json', 'differs.json', 'left_out.csv'), 'evaluate RUN --data FOLDER')  # the rest: fit


def anew(path):
    "What writes a file of a run's folder once more, in words."
    by = BY.get(Path(path).name)
    return f'python -m pneumo_fastai.{by if " " in by else f"{by} RUN"} writes it anew' if by else 'fit writes it anew'


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
