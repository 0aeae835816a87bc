"The grey levels of a radiograph, uint8, spread alike: so that another window or exposure, which moves them all, leaves it as it was."
import numpy as np

TILES = 8    # CLAHE's, down and across; fewer where there are fewer pixels
MEAN, DEVIATION = 127.5, 51  # black and white are 2.5 standard deviations away
CLIP = 100   # one of the 256 grey levels counts for at most one in so many of its tile's pixels, 2.56 times an even share: as scikit-image


def equalised(image) -> np.ndarray:
    """Histogram equalisation: each grey level becomes the share of pixels up to it, black and what else is darkest counting for none.
    Any map of the levels that keeps them apart and in order changes nothing in it. An image of one level stays as it is."""
    upto = np.bincount(image.ravel(), minlength=256).cumsum()
    darkest = upto[upto > 0][0]
    if darkest == image.size: return image
    return np.round((upto - darkest).clip(0) * 255 / (image.size - darkest)).astype(np.uint8)[image]


def clahe(image) -> np.ndarray:
    "Contrast-limited adaptive histogram equalisation (Zuiderveld 1994), bilinear between the centres of tiles; what is clipped is spread."
    (rows, above, y), (columns, left, x) = (tiles(n) for n in image.shape)
    down, across = rows[-1] + 1, columns[-1] + 1
    counts = np.bincount(((rows[:, None] * across + columns) * 256 + image).ravel(), minlength=down * across * 256).reshape(-1, 256)
    pixels = counts.sum(1, keepdims=True)
    clipped = np.minimum(CLIP * counts, pixels)
    even = (CLIP * pixels - clipped.sum(1, keepdims=True)) / 256
    upto = ((clipped + even).cumsum(1) * 255 / (CLIP * pixels)).astype(np.float32).ravel()
    at = (above[:, None] * across + left) * 256 + image
    right, below = 256 * (left < across - 1), 256 * across * (above < down - 1)[:, None]
    high, low = (between(np.take(upto, row), np.take(upto, row + right), x) for row in (at, at + below))
    return np.round(between(high, low, y[:, None])).astype(np.uint8)


def tiles(n) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    "Of n pixels in a row: the tile of each, the tile whose centre is the last before it, and how far it is from there to the next, 0 to 1."
    k = min(TILES, n)
    tile = np.arange(n) * k // n
    centres = np.bincount(tile, np.arange(n)) / np.bincount(tile)
    at = np.interp(np.arange(n), centres, np.arange(k))
    return tile, at.astype(int), (at % 1).astype(np.float32)


def between(a, b, share): return a + (b - a) * share


def standardised(image) -> np.ndarray:
    """Its own mean and standard deviation become `MEAN` and `DEVIATION`; what is then beyond black or white is cut off. More or less light
    or contrast of the whole image changes nothing in it. An image of one level stays as it is."""
    x = image.astype(np.float32)
    if not (deviation := x.std()): return image
    return np.round((x - x.mean()) * (DEVIATION / deviation) + MEAN).clip(0, 255).astype(np.uint8)


def as_read(image): return image


SPREAD = dict(windowed=as_read, standardised=standardised, equalised=equalised, clahe=clahe)  # by `Data.grey`
