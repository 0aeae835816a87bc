"One file -> one 2-D array, bright = dense. DICOM, PNG and JPEG."
import logging
import os
import threading
import warnings
from dataclasses import dataclass

import numpy as np

from ...errors import UnreadableImage
from . import VERSION, files
from .codecs import cells, check_layout
from .elements import parse, written
from .grey import cell_order, grey_levels, palette_levels, sampled, scale_of, stored_values, straight, window
from .header import Header, doubts, hashed, millimetres, no_radiograph, refusal, tall, view, years
from .resize import GAP, scales, square, square_boxes

__all__ = ['VERSION', 'Film', 'UnreadableImage', 'grey_levels', 'hashed', 'read_film', 'read_square', 'square', 'square_boxes',
           'stored_values', 'window', 'years']

PICTURES = (b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n')  # how a JPEG or PNG begins
MAX_BYTES = 2**30  # of a file
UNOPENED = 'cannot be opened'  # may be otherwise the next time: not for the cache to keep


@dataclass
class Film:
    "A radiograph before any resizing. What a file does not say is None (age: NaN)."
    pixels:np.ndarray      # (rows, columns) uint8, bright = dense; smaller than the file's where `read_square` needs fewer
    height:int             # rows and columns as stored
    width:int
    scale:str              # what decided black and white: 'window', 'voi lut', 'stored bits', 'percentiles', 'luminance' (colour)
    frames:int = 1         # in the file; the first is read
    tall:float = 1.        # a pixel's height over its width
    view:str|None = None   # ViewPosition: 'PA', 'AP', ...; 'other': a word that is not in `VIEWS`
    sex:str|None = None    # 'F', 'M' or 'O'
    age:float = np.nan     # years
    patient:str|None = None  # hash of PatientID
    spacing:float = np.nan   # mm from row to row of the stored pixels
    doubts:tuple = ()        # what its header says against a frontal chest radiograph


def read_film(
    path,            # a DICOM, PNG or JPEG file, its bytes, or a pydicom `Dataset`
    any_view=False,  # also what says that it is not a frontal chest radiograph
) -> Film:
    "The radiograph in a file, whole; raises `UnreadableImage` with the reason, whatever the bytes."
    return _read(path, any_view, False)


def read_square(
    path,            # a DICOM, PNG or JPEG file, its bytes, or a pydicom `Dataset`, which is read as a file of it would be
    size,            # pixels a side
    aspect='pad',    # see `square`
    any_view=False,  # also what says that it is not a frontal chest radiograph
    grey='windowed',  # see `square`
    doubtful=False,  # also a radiograph that says so; not a CT
) -> tuple[np.ndarray, Film]:
    "(size, size) uint8 and the `Film` it came from: what the network sees, in training and in prediction. Raises `UnreadableImage`."
    def reduce(height, width, tall=1.):  # the largest of libjpeg's that leaves `square` as much to do as its own first step would
        return max(k for k in (1, 2, 4, 8) if k == 1 or GAP * k * max(scales(height, width, size, aspect, tall)) <= 1)
    film = _read(path, any_view, doubtful, reduce)
    by = reduce(film.height, film.width, film.tall) if film.pixels.shape != (film.height, film.width) else 1
    return square(film.pixels, size, aspect, film.tall, (film.height / by, film.width / by), grey), film


def _read(path, any_view, doubtful, reduce=lambda *a: 1) -> Film:
    refused = (lambda ds: None) if any_view else no_radiograph if doubtful else refusal
    if isinstance(path, bytes): return _decoded(lambda: path, 'the file', refused, reduce)
    if not isinstance(path, str | os.PathLike): return _decoded(lambda: written(path, Header.KEYS), 'the data set', refused, reduce)
    try: raw = files.whole(path, MAX_BYTES)
    except FileNotFoundError: raise UnreadableImage(path, 'the file does not exist') from None
    except (OSError, MemoryError, ValueError) as e: raise UnreadableImage(path, f'{UNOPENED} ({type(e).__name__})') from None
    return _decoded(lambda: raw, path, refused, reduce)


def _decoded(bytes_of, path, refused, reduce) -> Film:
    "The film in the bytes that `bytes_of()` returns, unless `refused(header)` says why not; `path` is what an error calls them."
    try:
        with quiet:
            raw = bytes_of()
            return _picture(raw, reduce) if raw.startswith(PICTURES) else _dicom(raw, refused, reduce)
    except UnreadableImage as e: raise UnreadableImage(path, e.reason) from None
    except Exception as e:  # decoders raise whatever the bytes lead them into, and quote headers: the caller gets one kind, without
        raise UnreadableImage(path, f'cannot be decoded ({type(e).__name__})') from None


def _picture(raw, reduce) -> Film:
    try:
        from .pictures import read_picture
    except ImportError: raise UnreadableImage('', 'is a PNG or JPEG file, which takes Pillow to read: pip install pillow') from None
    return Film(**read_picture(raw, reduce))


class Quiet:
    """No warning and no log record of pydicom's, for they quote headers. The first thread in silences them and the last one out ends it;
    `warnings.catch_warnings` alone would let one thread end the silence of another."""
    log = logging.getLogger('pydicom')

    def __init__(self): self.lock, self.inside = threading.Lock(), 0

    def __enter__(self):
        with self.lock:
            self.inside += 1
            if self.inside > 1: return
            self.warnings, self.was = warnings.catch_warnings(action='ignore'), self.log.disabled
            self.warnings.__enter__()
            self.log.disabled = True

    def __exit__(self, *error):
        with self.lock:
            self.inside -= 1
            if self.inside: return
            self.log.disabled = self.was
            self.warnings.__exit__(*error)

quiet = Quiet()


def _dicom(raw, refused, reduce) -> Film:
    data, syntax = parse(raw)
    ds = Header.of(data)
    if 'DirectoryRecordSequence' in ds: raise UnreadableImage('', 'is a DICOMDIR, which lists files and holds no image')
    if reason := refused(ds): raise UnreadableImage('', reason)
    check_layout(ds)
    high = tall(ds)
    pixels, scale = _pixels(ds, syntax, reduce(ds.Rows, ds.Columns, high))
    sex = ds.get('PatientSex')
    return Film(pixels, ds.Rows, ds.Columns, scale, ds.NumberOfFrames, high, view(ds), sex if sex in ('F', 'M', 'O') else None,
                years(ds.get('PatientAge')), hashed(ds.get('PatientID')), millimetres(ds), doubts(ds))


def _pixels(ds, syntax, reduce) -> tuple[np.ndarray, str]:
    "The first frame as uint8 and what decided its scale. The grey pipeline is looked up; a straight one may come after the resize."
    if ds.SamplesPerPixel == 3: return cells(ds, syntax), 'luminance'
    scale = 'luminance' if ds.PhotometricInterpretation == 'PALETTE COLOR' else scale_of(ds)
    if scale == 'percentiles': levels, reduce = None, 1  # they depend on the pixels
    else: levels = palette_levels(ds) if scale == 'luminance' else grey_levels(ds)
    x = cells(ds, syntax, reduce if reduce > 1 and straight(levels) else 1)
    order = cell_order(ds, x.dtype.itemsize)
    if levels is None:
        levels = grey_levels(ds, np.bincount(order, sampled(x, len(order)), 2**ds.BitsStored))
    return np.take(levels[order], x), scale
