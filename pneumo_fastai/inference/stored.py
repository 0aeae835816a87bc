"model.pt on the disk: written whole, and checked before anything in it is used."
import errno
import os
import zipfile
from contextlib import contextmanager
from typing import get_args

import numpy as np
import torch

from ..errors import InputError
from ..evaluation.calibrators import apply
from ..evaluation.uncertainty import conformal_sets
from ..experiment import ARCHITECTURES, TYPES, is_arch
from ..runs.checksums import altered
from ..runs.files import anew
from ..runs.folder import chosen_since
from ..writing import whole

NEEDED = 'arch', 'size', 'aspect', 'mean', 'std', 'threshold', 'calibrator'
ASPECTS = get_args(TYPES['aspect'])


def check_zip(path):
    "`InputError` where a byte of it is not what was written: it has the CRC-32 of each record, and `torch.load` does not look at it."
    with zipfile.ZipFile(path) as file: bad = file.testzip()
    if bad: raise InputError(f'{path} is damaged: {bad} in it is not what was written; take a copy of it, or train the run anew')


def read_checked(path):
    "The weights and the recipe of a model.pt, which is a zip. `InputError` where it is damaged or none."
    try:
        check_zip(path)
        saved = torch.load(path, map_location='cpu', weights_only=True)
        return dict(saved['state']), dict(saved['recipe'])
    except InputError: raise
    except PermissionError as e: raise InputError(f'{path} cannot be read: {e.strerror}; give a run\'s folder') from e
    except Exception as e:
        raise InputError(f'{path} is damaged or is not a model that fit wrote ({type(e).__name__}); give a run\'s folder') from e


def as_chosen(folder):
    "`chosen_since`, after a look at the checksums of the files that say how to predict."
    for name in ('model.pt', 'metrics.json', 'cv.json'):
        if found := altered(folder, (name,)):
            raise InputError(f'{folder}: {found[0]}; {"put it back as it was" if name == "model.pt" else anew(name)}')
    return chosen_since(folder)


def faults(recipe):
    "Yields why nothing can be predicted by this recipe; each supposes that those before it are not so."
    if missing := [k for k in NEEDED if k not in recipe]: yield f'it has no {missing[0]}'
    if not is_arch(str(recipe['arch'])): yield f'its architecture {recipe["arch"]!r} is unknown, there are {", ".join(ARCHITECTURES)}'
    if recipe['aspect'] not in ASPECTS: yield f'its aspect {recipe["aspect"]!r} is unknown, there are {", ".join(ASPECTS)}'
    for key in ('size', 'mean', 'std', 'threshold'):
        if not (isinstance(recipe[key], (int, float)) and np.isfinite(recipe[key])): yield f'its {key} is {recipe[key]!r}, not a number'
    if not recipe['std'] > 0 or not isinstance(recipe['size'], int): yield 'its size is no whole number, or its std not above 0'
    if not isinstance(recipe.get('members', 1), int): yield 'its number of members is no whole number'
    try: well = 0 <= float(apply(recipe['calibrator'], .5)) <= 1
    except Exception: well = False  # whatever is in the place of a calibrator
    if not well: yield 'its calibrator gives no probability'
    try: well = recipe.get('conformal') is None or conformal_sets(recipe['conformal'], [.5]).shape == (1, 2)
    except Exception: well = False
    if not well: yield 'its limits of conformal prediction give no set'


@contextmanager
def by_torch(path):
    "`whole` for a file that torch writes, which says of a full disk no more than that its writer failed: `OSError` here."
    try:
        with whole(path, 'whole') as beside: yield beside  # torch keeps the name in the file: the same bytes each time
    except RuntimeError as e:
        if 'PytorchStreamWriter' not in str(e) and 'inline_container' not in str(e): raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from e
