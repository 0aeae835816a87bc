"The radiograph as it is looked at: window and zoom, on 8-bit pixels in memory."
from io import BytesIO

import numpy as np
from PIL import Image

from ..data.decoding.dicom import Film, read_square
from ..data.decoding.resize import covered

SIDE = 1460  # pixels: of a screen, and with zoom of a part of it; a wider picture Streamlit would make this wide, and encode again
QUALITY = 92


def read(file, size, recipe) -> tuple[np.ndarray, Film]:
    "A file's bytes, or its path, for the eye: cut as for the network, its grey levels as read. Raises `UnreadableImage`."
    return read_square(file, size, recipe['aspect'], recipe.get('any_view', False), doubtful=True)


def look(raw, film, recipe) -> np.ndarray:
    "A file's bytes as (h, w) uint8 for the eye, cut and stretched as for the network, without the black that makes it square."
    return read(raw, side(film), recipe)[0][within(film, recipe['aspect'], side(film))]


def side(film) -> int:
    "Of the square in which it is looked at: no larger than the film."
    return min(SIDE, round(max(film.height * film.tall, film.width)))


def within(film, aspect, size) -> tuple[slice, slice]:
    "Where in its square of `size` pixels the film itself lies: rows, columns."
    top, bottom, left, right = covered(film.height, film.width, size, aspect, film.tall)
    return slice(top, bottom), slice(left, right)


def fitted(heat, film, aspect) -> np.ndarray:
    "A heatmap of the network's square as large as what `look` gives, and in its place."
    n = side(film)
    return np.asarray(Image.fromarray(heat.astype(np.float32)).resize((n, n), Image.Resampling.BILINEAR))[within(film, aspect, n)]


def windowed(pixels, level, width) -> np.ndarray:
    "Black at `level` - `width`/2, white at `level` + `width`/2, both in grey levels."
    levels = (np.arange(256) - (level - width / 2)) / max(width, 1)
    return np.round(255 * levels.clip(0, 1)).astype(np.uint8)[pixels]


def part(
    shape,   # (h, w)
    zoom,    # 1: all of it
    across,  # 0 to 1: left to right
    down,    # 0 to 1: top to bottom
) -> tuple[slice, slice]:
    h, w = (max(1, round(n / zoom)) for n in shape)
    top, left = round((shape[0] - h) * down), round((shape[1] - w) * across)
    return slice(top, top + h), slice(left, left + w)


def jpeg(pixels) -> bytes:
    Image.fromarray(pixels).save(buffer := BytesIO(), 'JPEG', quality=QUALITY, subsampling=0)
    return buffer.getvalue()
