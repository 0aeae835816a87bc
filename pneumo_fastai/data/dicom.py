"One file -> one 2-D array, bright = dense. DICOM, PNG and JPEG."
import re
import warnings
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from PIL import Image, ImageOps

VERSION = 1  # of what the pixels look like: a cache made by another version is made again
MAX_SIDE = 20_000  # pixels; a header may claim anything
Image.MAX_IMAGE_PIXELS = MAX_SIDE**2  # Pillow's own guard, above any radiograph


class UnreadableImage(Exception):
    "A file that gives no image: `.path` and `.reason`."
    def __init__(self, path, reason):
        super().__init__(path, reason)
        self.path, self.reason = str(path), reason

    def __str__(self): return f'{self.path}: {self.reason}'


@dataclass
class Film:
    "A radiograph as stored, before any resizing. What a file does not say is None (age: NaN)."
    pixels:np.ndarray      # (rows, columns) uint8, bright = dense
    view:str|None = None   # ViewPosition: 'PA', 'AP', ...
    sex:str|None = None    # 'F', 'M', ...
    age:float = np.nan     # years
    patient:str|None = None  # hash of PatientID
    spacing:float = np.nan   # mm from row to row of the stored pixels


def read_film(path) -> Film:
    "The radiograph in a file; raises `UnreadableImage` with the reason, whatever the bytes."
    try:
        with warnings.catch_warnings(), open(path, 'rb') as f:
            warnings.simplefilter('ignore')  # pydicom's name header values, which belong to a patient
            head = f.read(132)
            f.seek(0)
            return _picture(f) if head[:3] == b'\xff\xd8\xff' or head[:8] == b'\x89PNG\r\n\x1a\n' else _dicom(f)
    except FileNotFoundError as e: raise UnreadableImage(path, 'the file does not exist') from e
    except UnreadableImage as e: raise UnreadableImage(path, e.reason) from e
    except Exception as e:  # decoders raise whatever the bytes lead them into; the caller gets one kind
        raise UnreadableImage(path, f'cannot be decoded ({type(e).__name__})') from e


def read_square(path, size, aspect='pad') -> tuple[np.ndarray, Film]:
    "(size, size) uint8 and the `Film` it came from: what the network sees, in training and in prediction."
    film = read_film(path)
    return square(film.pixels, size, aspect), film


def square(pixels, size, aspect='pad') -> np.ndarray:
    "Resize a uint8 image to (size, size): padded with black, cropped at the centre, or stretched. Area-aware triangle filter."
    how = {'pad': ImageOps.pad, 'crop': ImageOps.fit, 'stretch': lambda image, to, method: image.resize(to, method)}[aspect]
    return np.asarray(how(Image.fromarray(pixels), (size, size), method=Image.Resampling.BILINEAR))


def square_boxes(boxes, height, width, size, aspect='pad') -> list:
    "(x, y, width, height) boxes of a (height, width) image in the frame of its `square`."
    down = {'pad': size / max(height, width), 'crop': size / min(height, width), 'stretch': size / height}[aspect]
    across = size / width if aspect == 'stretch' else down
    left, top = (size - width * across) / 2, (size - height * down) / 2
    return [(x * across + left, y * down + top, w * across, h * down) for x, y, w, h in boxes]


def _picture(f) -> Film:
    "PNG or JPEG: EXIF orientation applied, 16 bits scaled to 8, colour reduced to luminance (ITU-R 601)."
    image = ImageOps.exif_transpose(Image.open(f))
    if image.mode.startswith('I'): return Film((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
    return Film(np.asarray(image.convert('L')))


def _dicom(f) -> Film:
    import pydicom
    ds = pydicom.dcmread(f, force=True)  # files without the 128-byte preamble are in circulation
    if 'TransferSyntaxUID' not in ds.file_meta: raise UnreadableImage('', 'is not DICOM, PNG or JPEG')
    if 'PixelData' not in ds: raise UnreadableImage('', 'has no pixel data')
    if not (0 < ds.Rows <= MAX_SIDE and 0 < ds.Columns <= MAX_SIDE):
        raise UnreadableImage('', f'says it has {ds.Rows} x {ds.Columns} pixels')
    return Film(_pixels(ds), text(ds.get('ViewPosition')), text(ds.get('PatientSex')), years(ds.get('PatientAge')), hashed(ds.get('PatientID')),
                millimetres(ds))


def _pixels(ds) -> np.ndarray:
    "The first frame as uint8. The grey pipeline is a function of the stored value, so it is computed once a value, not once a pixel."
    from pydicom.pixels import pixel_array
    stored = pixel_array(ds, index=0)
    if ds.PhotometricInterpretation not in ('MONOCHROME1', 'MONOCHROME2'):
        if ds.get('SamplesPerPixel') != 3 or stored.dtype != np.uint8: raise UnreadableImage('', f'is {ds.PhotometricInterpretation}, which is not read')
        return np.asarray(Image.fromarray(stored).convert('L'))
    values = stored_values(ds)
    return np.take(grey_levels(ds), stored.astype(np.int32) - int(values[0]), mode='clip')


def stored_values(ds) -> np.ndarray:
    "Every value that BitsStored and PixelRepresentation allow, in order."
    bits = ds.BitsStored
    if not 1 <= bits <= 16: raise UnreadableImage('', f'has {bits} bits a pixel, 1 to 16 are read')
    return np.arange(2**bits) - (2**(bits - 1) if ds.PixelRepresentation else 0)


def grey_levels(ds) -> np.ndarray:
    """uint8 for each of `stored_values`: modality LUT or rescale, VOI LUT or the first window, presentation LUT shape,
    MONOCHROME1 last (PS3.3 C.11, PS3.4 N.2). Without a window the range of the stored bits is shown, never the image's own."""
    from pydicom.pixels import apply_modality_lut, apply_voi
    values = stored_values(ds)
    x = np.asarray(apply_modality_lut(values, ds), dtype=np.float64)
    if 'VOILUTSequence' in ds and ds.VOILUTSequence:
        bits = ds.VOILUTSequence[0].LUTDescriptor[2]
        x = apply_voi(x.astype(np.int64), ds, index=0) / (2**bits - 1)
    elif ds.get('WindowCenter') not in (None, '') and ds.get('WindowWidth') not in (None, ''):
        x = window(x, _first(ds.WindowCenter), _first(ds.WindowWidth), ds.get('VOILUTFunction') or 'LINEAR')
    else: x = (x - x.min()) / max(x.max() - x.min(), 1e-12)
    inverse = ds.PhotometricInterpretation == 'MONOCHROME1' or ds.get('PresentationLUTShape') == 'INVERSE'  # two words for one thing in DX
    return np.round(255 * np.clip(1 - x if inverse else x, 0, 1)).astype(np.uint8)


def window(x, centre, width, function='LINEAR') -> np.ndarray:
    "VOI window to 0..1, PS3.3 C.11.2.1.2 and C.11.2.1.3."
    if width < 1 and function == 'LINEAR' or width <= 0: raise UnreadableImage('', f'has a window {width} wide')
    if function == 'SIGMOID': return 1 / (1 + np.exp(-4 * (x - centre) / width))
    if function == 'LINEAR_EXACT': return np.clip((x - centre) / width + 0.5, 0, 1)
    if function == 'LINEAR': return np.clip((x - (centre - 0.5)) / max(width - 1, 1e-12) + 0.5, 0, 1)
    raise UnreadableImage('', 'has a VOI LUT function that is not LINEAR, LINEAR_EXACT or SIGMOID')


def _first(value): return float(value[0] if hasattr(value, '__len__') and not isinstance(value, str) else value)


def text(value) -> str|None:
    "A header's text, or None where it is empty."
    return str(value).strip() or None if value is not None else None


def years(age) -> float:
    "PatientAge in years: '051Y', '006M', '03W', '10D', and '51' as RSNA writes it; NaN for anything else."
    found = re.fullmatch(r'(\d+)([YMWD]?)', str(age or '').strip())
    return int(found[1]) / {'Y': 1, '': 1, 'M': 12, 'W': 52.18, 'D': 365.25}[found[2]] if found else np.nan


def millimetres(ds) -> float:
    "PixelSpacing, or else ImagerPixelSpacing (PS3.3 10.7.1.3): from row to row, in mm; NaN where neither is a number above 0."
    for value in (ds.get('PixelSpacing'), ds.get('ImagerPixelSpacing')):
        try: mm = _first(value)
        except (TypeError, ValueError, IndexError): continue
        if 0 < mm < np.inf: return mm
    return np.nan


def hashed(identifier) -> str|None:
    "A PatientID as 16 hexadecimal digits of its SHA-256: the same person is the same, and is not named."
    return sha256(str(identifier).encode()).hexdigest()[:16] if identifier else None
