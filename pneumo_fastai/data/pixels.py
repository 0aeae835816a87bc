"Decoded images in one array file, read by row and checked: what is not as it was written is decoded again."
import logging
import os
import weakref
from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd

from ..errors import InputError, UnreadableImage
from .decoding.dicom import read_square

log = logging.getLogger(__name__)


@dataclass
class Pixels:
    "Decoded images: `array` (n, size, size) uint8, memory-mapped; `table` one row an image, indexed by path."
    array:np.ndarray
    table:pd.DataFrame  # row, crc (of its bytes), reason (None: decoded), and what `Film` says, by the names it has there
    folder:Path
    how:tuple = ()      # size, aspect, any_view and grey, as `read_square` takes them

    def __post_init__(self):
        table, n = self.table.sort_index(), len(self.array)
        self.paths, self.rows = table.index.to_numpy(object), table.row.to_numpy()
        self.sums, self.sound = np.zeros(n, np.uint32), np.full(n, 'crc' not in table)  # sound: read once, and as it was written
        if 'crc' in table:
            self.sums[self.rows] = table.crc
            self.sound[self.rows[table.reason.notna()]] = True  # nothing was written
        self.told = False
        self.file = os.open(self.array.filename, os.O_RDONLY)  # held: where the file is replaced, this is still the old one
        weakref.finalize(self, os.close, self.file)

    def row(self, path) -> int | None:
        "Where in `array` the image is; None where it is not. By halving: a dictionary of a million paths takes 100 MB."
        at = bisect_left(self.paths, path := str(path))
        return int(self.rows[at]) if at < len(self.paths) and self.paths[at] == path else None

    def __contains__(self, path): return self.row(path) is not None

    def __getitem__(self, path) -> np.ndarray:
        if (row := self.row(path)) is None: raise KeyError(path)
        return self.read([row])[0]

    def read(self, rows, out=None) -> np.ndarray:
        """(n, size, size) uint8: the images of `rows`, into `out` if given. Read, not mapped: mapped pages count as the process's memory.
        The first time, a row's bytes are held against their checksum, which for a million rows at once would take minutes."""
        out = np.empty((len(rows), *self.array.shape[1:]), np.uint8) if out is None else out
        for image, row in zip(out, rows, strict=True):
            whole = os.preadv(self.file, [image], self.offset(row)) == image.nbytes
            if not whole or not (self.sound[row] or crc32(image) == self.sums[row]): self.mend(row, image)
            self.sound[row] = True
        return out

    def offset(self, row): return self.array.offset + int(row) * self.array[0].nbytes

    def mend(self, row, image):
        "Decode an image again, into `image` and its place in the file. Raises `InputError` where its own file no longer gives it."
        path = self.paths[self.rows == row][0]
        if not self.how: raise OSError(f'{self.array.filename} is not as it was written')
        if not self.told: log.warning('the cache in %s is damaged: each image that is not as it was written is decoded again', self.folder)
        self.told = True
        try: image[:] = read_square(path, *self.how)[0]
        except UnreadableImage as e: raise InputError(f'{path} is damaged in the cache, and {e.reason}; put it back, or start again') from e
        with suppress(OSError), open(self.array.filename, 'r+b') as file: os.pwrite(file.fileno(), image, self.offset(row))
