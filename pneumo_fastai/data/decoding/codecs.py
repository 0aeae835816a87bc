"DICOM pixel data -> the pixel cells of its first frame: native, RLE, JPEG, JPEG-LS, JPEG 2000 and HTJ2K."
import struct
from io import BytesIO

import imagecodecs
import numpy as np

from ...errors import UnreadableImage
from .grey import LUMA

MAX_SIDE, MAX_PIXELS = 20_000, 100_000_000  # a header may claim anything
FREE, A_BYTE = 2**22, 1000  # so many pixels may be claimed by any file; more only where a byte of it stands for at most so many
DEFLATED, RLE = '1.2.840.10008.1.2.1.99', '1.2.840.10008.1.2.5'
NATIVE = ('1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.2', DEFLATED)
JPEG = [f'1.2.840.10008.1.2.4.{n}' for n in (50, 51, 57, 70)]
JPEG_LS = [f'1.2.840.10008.1.2.4.{n}' for n in (80, 81)]
JPEG_2000 = [f'1.2.840.10008.1.2.4.{n}' for n in (90, 91, 201, 202, 203)]  # OpenJPEG's for HTJ2K too: OpenJPH crashes on some broken files
COLOURS = ('RGB', 'YBR_FULL', 'YBR_FULL_422', 'YBR_RCT', 'YBR_ICT')


def check_size(rows, columns, size):
    "Raise `UnreadableImage` unless a file of `size` bytes may hold so many pixels: nothing is allocated on a header's word alone."
    if not (0 < rows <= MAX_SIDE and 0 < columns <= MAX_SIDE and rows * columns <= MAX_PIXELS):
        raise UnreadableImage('', f'says it has {rows} x {columns} pixels; 1 to {MAX_SIDE} a side and {MAX_PIXELS} in all are read')
    if rows * columns > FREE + A_BYTE * size: raise UnreadableImage('', f'says it has {rows} x {columns} pixels, in {size} bytes')


def number(ds, key, allowed, default=None) -> int:
    "A whole number of the Image Pixel module (PS3.3 C.7.6.3), in `ds` afterwards where only the default was."
    value = ds.get(key)
    if value is None: value = default
    if not isinstance(value, int) or value not in allowed: raise UnreadableImage('', f'has {unread(value, key, allowed)}')
    ds[key] = int(value)
    return ds[key]


def unread(value, key, allowed) -> str:
    "A header's value that is not one of `allowed`, in words. A text or a large number could be a patient's: not quoted."
    if value is None: return f'no {key}'
    if not isinstance(value, int) or not 0 <= value < 2**16: return f'a {key} that cannot be read'
    ends = ' to '.join(map(str, sorted({allowed[0], allowed[-1]}))) if isinstance(allowed, range) else ' or '.join(map(str, allowed))
    return f'{key} {int(value)}, where {ends} would be read'


def check_layout(ds):
    "Raise `UnreadableImage` unless what the header `ds` says of its pixels can be read; fill in the defaults."
    if 'PixelData' not in ds: raise UnreadableImage('', 'has no pixel data')
    check_size(*(number(ds, key, range(2**16)) for key in ('Rows', 'Columns')), len(ds.PixelData))
    samples, allocated = number(ds, 'SamplesPerPixel', (1, 3), 1), number(ds, 'BitsAllocated', (8, 16))
    stored = number(ds, 'BitsStored', range(1, allocated + 1))
    number(ds, 'HighBit', range(stored - 1, allocated), stored - 1)
    number(ds, 'PixelRepresentation', (0, 1), 0)
    number(ds, 'NumberOfFrames', range(1, 10**5), 1)
    if ds.get('PhotometricInterpretation') not in (COLOURS if samples == 3 else ('MONOCHROME1', 'MONOCHROME2', 'PALETTE COLOR')):
        raise UnreadableImage('', f'has no photometric interpretation of {samples} samples a pixel that is read')


def cells(ds, syntax, reduce=1) -> np.ndarray:
    """The first frame, (rows, columns) uint8 or uint16: unsigned pixel cells, or the luminance (uint8) where there are three samples.
    8-bit JPEG with one sample is decoded at 1/`reduce` (1, 2, 4 or 8) of its size."""
    if syntax in NATIVE: return native(ds, big=syntax == NATIVE[2])
    if syntax not in (RLE, *JPEG, *JPEG_LS, *JPEG_2000): raise UnreadableImage('', 'has a transfer syntax that is not read')
    frame = first_frame(ds)
    if syntax == RLE: return planes(ds, rle(ds, frame), planar=True)
    frame, rows, columns, samples, transform, lossy8 = codestream(frame)
    if (rows, columns, samples) != (ds.Rows, ds.Columns, ds.SamplesPerPixel):
        raise UnreadableImage('', f'says {ds.Rows} x {ds.Columns} pixels and holds {rows} x {columns}, of {samples} samples each')
    if reduce > 1 and lossy8 and ds.BitsAllocated == 8 and samples == 1: return reduced(frame, reduce)
    x = decode(frame, syntax, samples)
    if x.shape[:2] != (rows, columns) or x.dtype.itemsize > 2: raise UnreadableImage('', 'holds an image that its header does not describe')
    x = limited(x, ds).view(f'u{x.dtype.itemsize}')
    return x if samples == 1 else luminance(x, ds, {0: False, 1: True}.get(transform, ds.PhotometricInterpretation.startswith('YBR_FULL')))


def first_frame(ds) -> bytes:
    "The encapsulated codestream of the first frame (PS3.5 annex A.4)."
    from pydicom.encaps import generate_frames, parse_fragments
    frames, found = ds.NumberOfFrames, parse_fragments(ds.PixelData)[0] - 1  # without the offset table
    if found < frames: raise UnreadableImage('', f'says it has {frames} frames and holds {max(found, 0)} fragments')
    return next(generate_frames(ds.PixelData, number_of_frames=frames))


def rle(ds, frame) -> bytes:
    "Little endian planes from RLE segments (PS3.5 annex G): one PackBits stream a byte of each sample, the high byte first."
    size, depth, area = ds.BitsAllocated // 8, ds.SamplesPerPixel, ds.Rows * ds.Columns
    found, *offsets = struct.unpack_from('<16L', frame)
    if found != size * depth: raise UnreadableImage('', f'holds {found} RLE segments, and {size * depth} are needed')
    ends = [*offsets[1:found], len(frame)]
    segments = [imagecodecs.packbits_decode(frame[a:b]) for a, b in zip(offsets, ends, strict=False)]
    if any(len(o) < area for o in segments): raise UnreadableImage('', 'holds an RLE segment that is too short')
    x = np.stack([np.frombuffer(o, 'u1', area) for o in segments]).reshape(depth, size, area)
    return x[:, ::-1].transpose(0, 2, 1).tobytes()


def decode(frame, syntax, samples) -> np.ndarray:
    "A codestream as it is, without a change of colour space except JPEG 2000's own."
    if syntax in JPEG_LS: return imagecodecs.jpegls_decode(frame)
    if syntax in JPEG_2000: return imagecodecs.jpeg2k_decode(frame, numthreads=1)
    return imagecodecs.jpeg8_decode(frame, **({'colorspace': 'YCBCR', 'outcolorspace': 'YCBCR'} if samples == 3 else {}))


def limited(x, ds) -> np.ndarray:
    "What a lossy codec pushed past the stored bits goes to their ends: cut off at the stored bits, white would turn black."
    if 8 * x.dtype.itemsize == ds.BitsStored or (x.dtype.kind == 'i') != ds.PixelRepresentation: return x
    low = -2**(ds.BitsStored - 1) if ds.PixelRepresentation else 0
    return x.clip(low, low + 2**ds.BitsStored - 1)


def reduced(frame, by) -> np.ndarray:
    "A grey 8-bit JPEG at 1/`by`: libjpeg leaves out the frequencies that a smaller image cannot hold."
    try:
        from PIL import Image
    except ImportError:
        from . import without_pillow
        return without_pillow.reduced(frame, by)
    image = Image.open(BytesIO(frame), formats=['JPEG'])
    image.decodermaxblock = len(frame)  # in one go: after each piece it would wait for the threads that run Python
    image.draft('L', (max(image.width // by, 1), max(image.height // by, 1)))
    return np.asarray(image)


def native(ds, big) -> np.ndarray:
    "Uncompressed cells. In big endian the 8-bit cells of an OW element lie swapped in pairs (PS3.5 annex A.3)."
    data, short, frames = ds.PixelData, ds.PhotometricInterpretation == 'YBR_FULL_422', ds.NumberOfFrames
    one = ds.Rows * ds.Columns * (2 if short else ds.SamplesPerPixel) * ds.BitsAllocated // 8
    if len(data) < one * frames: raise UnreadableImage('', f'has {len(data)} bytes of pixels, and {one * frames} are needed')
    if big and ds.BitsAllocated == 8 and ds.PixelVR == 'OW': data = np.frombuffer(data, 'u2', len(data) // 2).byteswap().tobytes()
    if short: return np.frombuffer(data, 'u1', one).reshape(ds.Rows, ds.Columns // 2, 4)[:, :, :2].reshape(ds.Rows, ds.Columns)  # Y Y Cb Cr
    if big and ds.BitsAllocated == 16: data = np.frombuffer(data, '>u2', one // 2).astype('<u2').tobytes()
    return planes(ds, data[:one], ds.get('PlanarConfiguration') == 1)


def planes(ds, data, planar) -> np.ndarray:
    "Little endian bytes -> cells, or the luminance of three samples."
    x, rows, columns = np.frombuffer(data, f'<u{ds.BitsAllocated // 8}'), ds.Rows, ds.Columns
    if ds.SamplesPerPixel == 1: return x.reshape(rows, columns)
    x = x.reshape(3, rows, columns).transpose(1, 2, 0) if planar else x.reshape(rows, columns, 3)
    return luminance(x, ds, ds.PhotometricInterpretation.startswith('YBR_FULL'))


def luminance(x, ds, ybr) -> np.ndarray:
    "(rows, columns, 3) -> uint8: Y as it is, or ITU-R 601's of red, green and blue."
    y = x[:, :, 0] if ybr else x @ LUMA
    return np.round(y * (255 / (2**ds.BitsStored - 1))).clip(0, 255).astype(np.uint8)


def codestream(frame) -> tuple:
    "(codestream, rows, columns, samples, Adobe's colour transform or None, whether it is 8-bit DCT) of a JPEG, JPEG-LS or JPEG 2000 frame."
    if frame[:2] == b'\xff\xd8': return frame, *jpeg_header(frame)
    start = frame.find(b'\xff\x4f\xff\x51', 0, 2**16)  # SOC and SIZ; some wrap them in JP2's boxes
    if start < 0: raise UnreadableImage('', 'holds no codestream of the kind that its header says')
    width, height, left, top = struct.unpack_from('>4I', frame, start + 8)
    return frame[start:], height - top, width - left, *struct.unpack_from('>H', frame, start + 40), None, False


def jpeg_header(data) -> tuple:
    "(rows, columns, samples, Adobe's colour transform or None, whether it is 8-bit DCT) from the markers before the first scan (T.81 B.1)."
    transform = None
    for marker, at in markers(data):
        if marker in (0xc0, 0xc1, 0xc2, 0xc3, 0xf7):  # baseline, extended, progressive, lossless, JPEG-LS
            return *struct.unpack_from('>HHB', data, at + 5), transform, marker < 0xc3 and data[at + 4] == 8
        if marker == 0xee and data[at + 4:at + 9] == b'Adobe' and at + 16 <= len(data): transform = data[at + 15]
    raise UnreadableImage('', 'holds a JPEG without a frame header')


def markers(data):
    "Yields each marker of a JPEG and where it stands, as far as one segment follows the other."
    at = 2
    while at + 10 <= len(data) and data[at] == 0xff:
        marker = data[at + 1]
        if marker != 0xff: yield marker, at  # not one that fills up
        at += 1 if marker == 0xff else 2 + int.from_bytes(data[at + 2:at + 4], 'big')
