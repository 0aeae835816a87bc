"A radiograph of any shape -> size x size, and boxes on it the same way."
import numpy as np

from .equalise import SPREAD

GAP = 2  # a large image is first reduced by a whole number, to at least so many times the size wanted, then resized: as exact, and faster


def scales(height, width, size, aspect='pad', tall=1.) -> tuple[float, float]:
    "Output pixels a source pixel, across and down. `tall`: how many times as high as wide a source pixel is."
    if aspect == 'stretch': return size / width, size / height
    k = size / {'pad': max, 'crop': min}[aspect](height * tall, width)
    return k, k * tall


def square(pixels, size, aspect='pad', tall=1., extent=None, grey='windowed') -> np.ndarray:
    """Resize a uint8 image to (size, size): padded with black, cropped at the centre, or stretched; pixels become square. Area-aware
    triangle filter. `extent`: its (height, width) where its last row and column stand for less than a whole one. `grey`: its levels after
    that, those of the padding apart; see `SPREAD`."""
    height, width = extent or pixels.shape
    across, down = scales(height, width, size, aspect, tall)
    w, h = min(width, size / across), min(height, size / down)  # what is seen of the source
    to = max(1, round(w * across)), max(1, round(h * down))
    box = ((width - w) / 2, (height - h) / 2, (width + w) / 2, (height + h) / 2)
    small = SPREAD[grey](resized(pixels, to, box))
    if to == (size, size): return small
    out, left, top = np.zeros((size, size), np.uint8), round((size - to[0]) / 2), round((size - to[1]) / 2)
    out[top:top + to[1], left:left + to[0]] = small
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
