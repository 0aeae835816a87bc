"PNG and JPEG files -> uint8 grey."
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps

from ..errors import UnreadableImage
from .codecs import MAX_PIXELS, check_size

SIGNATURES = (b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n')
ROTATED = (5, 6, 7, 8)  # EXIF orientations that swap height and width


def read_picture(raw, reduce=lambda height, width: 1) -> dict:
    """`Film` fields of a picture: EXIF orientation applied, 16 bits scaled to 8, colour reduced to luminance (ITU-R 601), what is
    transparent black. A JPEG is decoded at 1/`reduce(height, width)` of its size."""
    try: image = Image.open(BytesIO(raw), formats=['PNG', 'JPEG'])  # reads the header alone
    except Image.DecompressionBombError: raise UnreadableImage('', f'says it has more than {MAX_PIXELS} pixels') from None
    image.decodermaxblock = len(raw)  # as in `codecs.reduced`
    check_size(image.height, image.width, len(raw))
    turned = image.getexif().get(0x0112) in ROTATED
    height, width = image.size if turned else image.size[::-1]
    if (by := reduce(height, width)) > 1 and image.format == 'JPEG': image.draft('L', (image.width // by, image.height // by))
    colour, frames = image.mode not in ('1', 'L', 'LA', 'I', 'I;16'), getattr(image, 'n_frames', 1)
    return dict(pixels=grey(ImageOps.exif_transpose(image)), height=height, width=width, frames=frames,
                scale='luminance' if colour else 'stored bits')


def grey(image) -> np.ndarray:
    "(rows, columns) uint8 of an image of any mode that PNG and JPEG have."
    if image.mode.startswith('I'): return (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
    if image.has_transparency_data:
        image = image.convert('RGBA')
        image = Image.alpha_composite(Image.new('RGBA', image.size, 'black'), image)
    return np.asarray(image.convert('L'))
