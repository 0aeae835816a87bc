"PNG and JPEG files -> uint8 grey."
from io import BytesIO

import imagecodecs
import numpy as np
from PIL import Image, ImageOps

from ...errors import UnreadableImage
from .codecs import MAX_PIXELS, check_size
from .grey import LUMA, between, percentiles, sampled

ROTATED = (5, 6, 7, 8)  # EXIF orientations that swap height and width


def read_picture(raw, reduce=lambda height, width: 1) -> dict:
    """`Film` fields of a picture: EXIF orientation applied, of 16 bits the percentiles shown, colour reduced to luminance (ITU-R 601), what
    is transparent black. A JPEG is decoded at 1/`reduce(height, width)` of its size."""
    try: image = Image.open(BytesIO(raw), formats=['PNG', 'JPEG'])  # reads the header alone
    except Image.DecompressionBombError: raise UnreadableImage('', f'says it has more than {MAX_PIXELS} pixels') from None
    image.decodermaxblock = len(raw)  # as in `codecs.reduced`
    check_size(image.height, image.width, len(raw))
    turned = image.getexif().get(0x0112) in ROTATED
    height, width = image.size if turned else image.size[::-1]
    if (by := reduce(height, width)) > 1 and image.format == 'JPEG': image.draft('L', (image.width // by, image.height // by))
    colour, frames = image.mode not in ('1', 'L', 'LA', 'I', 'I;16'), getattr(image, 'n_frames', 1)
    if deep := image.format == 'PNG' and raw[24] == 16: pixels = contrasted(np.asarray(upright(deep_grey(image, raw), image)))
    else: pixels = grey(ImageOps.exif_transpose(image))
    return dict(pixels=pixels, height=height, width=width, frames=frames,
                scale='percentiles' if deep else 'luminance' if colour else 'stored bits')


def grey(image) -> np.ndarray:
    "(rows, columns) uint8 of an image of any mode that PNG and JPEG have, but 16 bits."
    if image.has_transparency_data:
        image = image.convert('RGBA')
        image = Image.alpha_composite(Image.new('RGBA', image.size, 'black'), image)
    return np.asarray(image.convert('L'))


def deep_grey(image, raw) -> np.ndarray:
    "(rows, columns) uint16 of a PNG of 16 bits a sample. Pillow keeps them of grey alone; imagecodecs reads files that are cut off too."
    x = np.asarray(image)
    if image.mode.startswith('I') and not image.has_transparency_data: return x.astype(np.uint16)
    x = imagecodecs.png_decode(raw)
    y = x[:, :, :3] @ LUMA if x.shape[2] > 2 else x[:, :, 0]
    alpha = x[:, :, -1] / np.float32(2**16 - 1) if x.shape[2] in (2, 4) else 1
    return np.round(y * alpha).astype(np.uint16)


def upright(x, image) -> Image.Image:
    "`x` as the EXIF orientation of `image` says."
    picture = Image.fromarray(x)
    picture.info = image.info
    return ImageOps.exif_transpose(picture)


def contrasted(x) -> np.ndarray:
    "uint16 as uint8, its percentiles black and white: a 16-bit file may hold 12-bit values, and does not say so."
    values = np.arange(2**16, dtype=np.float64)
    return np.round(255 * between(values, *percentiles(values, sampled(x, 2**16)))).astype(np.uint8)[x]
