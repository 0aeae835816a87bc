"""A list of files that may be too long to be held, cut into parts: runs of its lines, each of which is read by itself, from its place. Of a
file that is named more than once the first line counts."""
from hashlib import blake2b, sha256
from itertools import accumulate, islice
from os import fsencode
from typing import NamedTuple
from zlib import crc32

import numpy as np

from ..errors import Failed, InputError
from .listed import paths_in


class Part(NamedTuple):
    "Some lines of a list, all but those that are blank or `repeated`."
    part:int       # its number, from 0
    first:int      # line of the list, from 1
    last:int
    at:int         # its first byte
    bytes:int
    crc32:int      # of these bytes
    paths:int      # lines that are not blank
    repeated:list[int] = []  # which of these, from 0, name a file that was named before


def cut(
    path,   # of a text file with a path a line
    lines,  # of a part
    base,   # the folder that relative paths start from
) -> tuple[dict, list[Part]]:
    """Of the whole list `sha256`, `bytes`, `lines`, `files` (each counted once) and `repeated`, and its parts. The list is read once; 32
    bytes a path are held meanwhile. `InputError` where it holds no path."""
    sha, digests, parts, line, at = sha256(), bytearray(), [], 0, 0
    with opened(path) as file:
        while some := list(islice(file, lines)):
            raw = b''.join(some)
            paths = paths_in(raw, base)
            sha.update(raw)
            digests += b''.join([blake2b(fsencode(p), digest_size=16).digest() for p in paths])
            parts.append(Part(len(parts), line + 1, line + len(some), at, len(raw), crc32(raw), len(paths)))
            line, at = line + len(some), at + len(raw)
    if not digests: raise InputError(f'{path} holds no path; give one a line')
    again = repeated(digests)
    about = dict(sha256=sha.hexdigest(), bytes=at, lines=line, files=len(digests)//16 - len(again), repeated=len(again))
    return about, without(parts, again)


def opened(path):
    try: return open(path, 'rb')
    except OSError as e: raise InputError(f'{path} cannot be read ({e.strerror}); give a file with a path a line') from e


def repeated(digests) -> np.ndarray:
    "Positions, in order, of the 16-byte digests that stand earlier too."
    values = np.frombuffer(digests, np.uint64).reshape(-1, 2)
    order = np.argsort(values[:, 0], kind='stable')
    half = values[order, 0]
    like = np.flatnonzero(half[1:] == half[:-1])
    same = values[order[like], 1] == values[order[like + 1], 1]
    return np.sort(order[like[same] + 1])


def without(parts, again):
    "The parts with what is repeated in each, from the positions in the whole."
    starts = list(accumulate((p.paths for p in parts), initial=0))
    edges = np.searchsorted(again, starts)
    return [p._replace(repeated=(again[a:b] - start).tolist()) for p, start, a, b in zip(parts, starts, edges, edges[1:], strict=False)]


def read(part, path, base) -> list[str]:
    "The paths of a part, absolute; `Failed` where the list is no longer as it was cut."
    with open(path, 'rb') as file:
        file.seek(part.at)
        raw = file.read(part.bytes)
    if crc32(raw) != part.crc32: raise Failed(f'{path} has changed since the work began; put it back as it was, or begin anew elsewhere')
    again = set(part.repeated)
    return [p for i, p in enumerate(paths_in(raw, base)) if i not in again]
