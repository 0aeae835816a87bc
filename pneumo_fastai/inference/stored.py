"Tensors on the disk: written whole, and read without running code."
import errno
import os
import zipfile
from contextlib import contextmanager

import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file as load_arrays
from safetensors.numpy import save as array_bytes
from safetensors.torch import load_file, save

from ..errors import InputError
from ..runs.facts import REMEDY
from ..writing import whole


def write_weights(path, state):
    "A state dict as safetensors, whole or not at all."
    apart = {k: v.detach().cpu().contiguous().clone() for k, v in state.items()}  # two names of one tensor would be refused
    write_bytes(path, save(apart))


def write_arrays(path, arrays):
    "NumPy arrays by name, likewise."
    write_bytes(path, array_bytes(arrays))


def write_bytes(path, data):
    with whole(path) as beside: beside.write_bytes(data)


def read_weights(path, what='', read=load_file) -> dict:
    "The tensors by name; `InputError`, which says `what` they are for, where the file is damaged or none."
    try: return read(path)
    except (SafetensorError, ValueError, OSError) as e:
        raise InputError(f'{what}{path} is damaged or no safetensors ({type(e).__name__}); {REMEDY}') from e


def read_arrays(path) -> dict: return read_weights(path, read=load_arrays)


def check_zip(path):
    "`InputError` where a byte of it is not what was written: it has the CRC-32 of each record, and `torch.load` does not look at it."
    with zipfile.ZipFile(path) as file: bad = file.testzip()
    if bad: raise InputError(f'{path} is damaged: {bad} in it is not what was written; take another copy of it')


@contextmanager
def by_torch(path):
    "`whole` for a file that torch writes, which says of a full disk no more than that its writer failed: `OSError` here."
    try:
        with whole(path, 'whole') as beside: yield beside  # torch keeps the name in the file: the same bytes each time
    except RuntimeError as e:
        if 'PytorchStreamWriter' not in str(e) and 'inline_container' not in str(e): raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from e


def loaded(path, what='') -> dict:
    "A file of tensors by name, torch's or safetensors, without code; `InputError`, as from `read_weights`."
    if str(path).endswith('.safetensors'): return read_weights(path, what)
    try:
        if zipfile.is_zipfile(path): check_zip(path)  # torch's older format is none
        return dict(torch.load(path, map_location='cpu', weights_only=True))
    except InputError: raise
    except Exception as e:
        kind = type(e).__name__
        raise InputError(f'{what}{path} are damaged or no state dict ({kind}); torch.save(net.state_dict(), ...) writes one') from e
