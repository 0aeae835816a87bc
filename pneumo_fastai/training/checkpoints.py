"Checkpoints: what a training needs to go on exactly where it was, in files that say whether they are whole."
import hashlib
import os
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch

from ..errors import InputError
from ..writing import whole

FOLDER, ENDING = 'checkpoints', '.checkpoint'
KEPT = 2  # the last, and the one before, should that be damaged
HEAD, ALL = 1, 2  # of the fits of a training: of the head alone, and of the whole network


def name_of(phase, epoch, step) -> str:
    "Sorted by name they are in the order of training. `epoch` and `step` are those to go on with, from 0."
    return f'{phase}-{epoch:05}-{step:09}{ENDING}'


def save(folder, state):
    "A checkpoint of `plain` values, on the disk when this returns; of those before it one stays."
    folder.mkdir(exist_ok=True)
    torch.save(state, buffer := BytesIO())
    data = buffer.getbuffer()
    with whole(folder/name_of(state['phase'], state['epoch'], state['step'])) as beside:
        with beside.open('wb') as file:
            file.write(f'{hashlib.sha256(data).hexdigest()}\n'.encode())
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    synced(folder)
    for old in files(folder)[:-KEPT]: old.unlink()


def synced(folder):
    "So that a power cut does not take a file's new name."
    at = os.open(folder, os.O_RDONLY)
    try: os.fsync(at)
    finally: os.close(at)


def files(folder) -> list: return sorted(Path(folder).glob(f'*{ENDING}'))


def load(file) -> dict:
    "Without code; `InputError` where a byte of it is not as it was written."
    digest, _, data = file.read_bytes().partition(b'\n')
    if hashlib.sha256(data).hexdigest().encode() != digest: raise InputError(f'{file} is damaged')
    try: return torch.load(BytesIO(data), map_location='cpu', weights_only=True)
    except UnpicklingError as e: raise InputError(f'{file} holds more than tensors and numbers') from e


def latest(folder, say=lambda line: None) -> dict | None:
    "The last one that is whole, None where there is none; `say` is told of each that is not."
    for file in reversed(files(folder)):
        try: return load(file)
        except InputError as e: say(f'{e}; the one before it is used')
    return None


def plain(value):
    "Arrays and fastai's tensors as torch's own, NumPy's numbers as Python's, and what contains them: as `torch.load` reads without code."
    if isinstance(value, dict): return {k: plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list): return (tuple if isinstance(value, tuple) else list)(map(plain, value))
    if isinstance(value, np.ndarray): value = torch.from_numpy(value.astype(np.int64) if value.dtype == np.uint32 else value.copy())
    if isinstance(value, torch.Tensor): return value.as_subclass(torch.Tensor)
    return value.item() if isinstance(value, np.generic) else value
