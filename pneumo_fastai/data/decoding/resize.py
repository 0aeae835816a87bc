"A radiograph of any shape -> size x size, and boxes on it the same way."
import numpy as np

from .equalise import SPREAD

GAP = 2  # a large image is first reduced by a whole number, to at least so many times the size wanted, then resized: as exact, and faster
INNER = .85  # share of the padded square's side that aspect inner keeps; with another the cache needs another VERSION
SIDE = {'pad': max, 'crop': min, 'inner': lambda *sides: INNER * max(sides)}  # how much of a film becomes the square's side


def scales(height, width, size, aspect='pad', tall=1.) -> tuple[float, float]:
    "Output pixels a source pixel, across and down. `tall`: how many times as high as wide a source pixel is."
    if aspect == 'stretch': return size / width, size / height
    k = size / SIDE[aspect](height * tall, width)
    return k, k * tall


def covered(height, width, size, aspect='pad', tall=1.) -> tuple[int, int, int, int]:
    "Where in its `square` a (height, width) film lies, as top, bottom, left, right: all of it, unless it was padded."
    across, down = scales(height, width, size, aspect, tall)
    ends = []
    for side, k in ((height, down), (width, across)):
        n = max(1, round(min(side, size / k) * k))
        ends += [first := round((size - n) / 2), first + n]
    return tuple(ends)


def square(pixels, size, aspect='pad', tall=1., extent=None, grey='windowed') -> np.ndarray:
    """Resize a uint8 image to (size, size): padded with black, that without its edge (`INNER`), cropped at the centre, or stretched; pixels
    become square. Area-aware triangle filter. `extent`: its (height, width) where its last row and column stand for less than a whole
    one. `grey`: its levels after that, those of the padding apart; see `SPREAD`."""
    height, width = extent or pixels.shape
    across, down = scales(height, width, size, aspect, tall)
    w, h = min(width, size / across), min(height, size / down)  # what is seen of the source
    top, bottom, left, right = covered(height, width, size, aspect, tall)
    box = ((width - w) / 2, (height - h) / 2, (width + w) / 2, (height + h) / 2)
    small = SPREAD[grey](resized(pixels, (right - left, bottom - top), box))
    if small.shape == (size, size): return small
    out = np.zeros((size, size), np.uint8)
    out[top:bottom, left:right] = small
    return out


def resized(pixels, to, box) -> np.ndarray:
    try:
        from PIL import Image
    except ImportError:
        from . import without_pillow
        return without_pillow.resized(pixels, to, box, GAP)
    return np.asarray(Image.fromarray(pixels).resize(to, Image.Resampling.BILINEAR, box, reducing_gap=GAP))


def square_boxes(boxes, height, width, size, aspect='pad', tall=1.) -> list:
    "(x, y, width, height) boxes in the pixels of a (height, width) image, in the frame of its `square`."
    across, down = scales(height, width, size, aspect, tall)
    left, top = (size - width * across) / 2, (size - height * down) / 2
    return [(x * across + left, y * down + top, w * across, h * down) for x, y, w, h in boxes]
