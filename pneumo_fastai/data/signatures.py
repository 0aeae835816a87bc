"""What a picture can be recognised by without having it: 1,024 bits, the signs of random projections of its `duplicates.structure`.

A bit differs with probability arccos(r)/pi for two pictures that correlate by r (Charikar 2002), so the share of bits that differ tells
r to about 0.02. The picture cannot be drawn from them. A run keeps those of its images: 128 bytes each."""
import numpy as np

from ..errors import InputError
from ..writing import whole
from .borders import blocks
from .duplicates import SIDE, structure

BITS, BYTES = 1024, 128
ALIKE = 0.85     # least correlation, as in `duplicates`; the noise of 0.02 is within what lies between copies and other patients
FILE = 'signatures.npy'  # of a run: a row for each of its split.csv
ROWS = 4096      # of one side at a time: with as many of the other a matrix of 64 MB


def signatures(pixels, paths, aspect, tick=None) -> np.ndarray:
    "(n, BYTES) uint8 of the images of a `Pixels`, in the order of `paths`; all 0 for an image without structure, which is like none."
    directions = np.random.default_rng(0).standard_normal((SIDE*SIDE, BITS), dtype=np.float32)
    found = np.zeros((len(paths), BYTES), np.uint8)
    for some, images in blocks(pixels, paths, aspect, tick): found[some] = np.packbits(structure(images)@directions > 0, axis=1)
    return found


def save(path, found):
    "`signatures`, whole or not at all."
    with whole(path) as beside: np.save(beside, found)


def load(path, n) -> np.ndarray:
    "`signatures` of n images; `InputError` where the file holds none of so many."
    try: found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError): found = np.empty(0)
    if found.dtype == np.uint8 and found.shape == (n, BYTES): return found
    raise InputError(f'{path} holds no signatures of {n:,} images; delete it, and the images themselves are looked at')


def signs(some): return np.unpackbits(some, axis=1).astype(np.float32)*2 - 1


def nearest(theirs, ours) -> tuple[np.ndarray, np.ndarray]:
    "Of each of `theirs` (n, BYTES) the correlation [n] with the most alike of `ours` (m, BYTES), -1 for none, and its place there [n]."
    best, place = np.full(len(theirs), -1.), np.zeros(len(theirs), int)
    real = np.flatnonzero(ours.any(1))
    for at in range(0, len(theirs), ROWS):
        these = slice(at, at + ROWS)
        some = signs(theirs[these])
        for other in range(0, len(real), ROWS):
            r = some@signs(ours[real[other:other + ROWS]]).T
            top = r.argmax(1)
            near = np.sin(np.pi/2*r[np.arange(len(r)), top]/BITS)
            better = near > best[these]
            place[these] = np.where(better, real[other + top], place[these])
            best[these] = np.where(better, near, best[these])
    return np.where(theirs.any(1), best, -1.), place
