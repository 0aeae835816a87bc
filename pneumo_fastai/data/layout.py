"Whether an image is laid out as the training images are: by whether it fits their mean, or rather a part of it, or it turned or inverted."
import math

import numpy as np

from .decoding.resize import square
from .likeness import sampled

SIDE = 16       # places of the mean image, a side
ALIKE = .3      # correlation with their mean that 19 in 20 training images exceed, or they have no layout in common
TURNED = .1     # by how much more an image has to fit another picture than the mean image before that is said
PART = .25      # the same of a part: many an image is framed a little closer than the mean
MARGIN = 1.5    # times the way from the median of the training images' correlations down to percentile 5
TURNS = 'by a quarter turn to the left', 'upside down', 'by a quarter turn to the right'
PARTS = {'left half': (0, 0, .5, 1), 'right half': (.5, 0, 1, 1), 'upper half': (0, 0, 1, .5), 'upper left quarter': (0, 0, .5, .5),
         'upper right quarter': (.5, 0, 1, .5), 'lower left quarter': (0, .5, .5, 1), 'lower right quarter': (.5, .5, 1, 1)}


def small(image) -> np.ndarray:
    "(SIDE, SIDE) floats, of mean 0 and length 1, or all 0 for one grey: the correlation of two images is the sum of their product."
    return unit(square(image, SIDE, 'stretch').astype(float))


def unit(x):
    x = x - x.mean()
    return x / (math.sqrt((x * x).sum()) or 1)


def layout_of(
    pixels,  # a `Pixels`
    paths,   # of the training images
) -> dict|None:
    "`image`, their mean in SIDE x SIDE places; `correlation`, percentiles 5 and 50 of theirs with it. None where they have none in common."
    each = np.stack([small(image) for image in sampled(pixels, paths)])
    mean = unit(each.mean(0)).round(4)
    usual = np.percentile((each * mean).sum((1, 2)), [5, 50])
    return dict(image=mean.tolist(), correlation=usual.round(4).tolist()) if usual[0] >= ALIKE else None


class Layout:
    "`Layout(layout_of(...))(image)`: what is unlike in an image's layout, in words, or None."
    def __init__(self, usual):
        mean, (low, median) = np.array(usual['image'], float), usual['correlation']
        self.least = low - MARGIN * (median - low)
        others = {'looks inverted: black should be white': (-mean, TURNED)}
        others |= {f'looks turned {turn}': (np.rot90(mean, k), TURNED) for k, turn in enumerate(TURNS, 1)}
        others |= {f'looks cut out: more like the {name} of a radiograph than like a whole one': (part(mean, box), PART)
                   for name, box in PARTS.items()}
        self.said, self.margins = list(others), np.array([margin for _, margin in others.values()])
        self.pictures = np.stack([mean, *(picture for picture, _ in others.values())]).reshape(-1, SIDE * SIDE)

    def __call__(self, image) -> str|None:
        x = small(image)
        if not x.any(): return None  # nothing is laid out in it
        fits, *others = self.pictures @ x.ravel()
        best = int(np.argmax(others - self.margins))
        if others[best] - self.margins[best] > fits and others[best] >= self.least: return self.said[best]
        if fits >= self.least: return None
        return (f'laid out unlike the training images: cropped, turned, or of another part of the body or kind of patient '
                f'(correlation {fits:.2f} with their mean, expected {self.least:.2f} or more)')


def part(mean, box) -> np.ndarray:
    "The part of the mean image within `box` (left, top, right, bottom, as shares of a side), as `small` would have it."
    left, top, right, bottom = box
    def between(x, low, high):
        at = SIDE * low + (np.arange(SIDE) + .5) * (high - low) - .5
        return np.stack([np.interp(at, np.arange(SIDE), row) for row in x])
    return unit(between(between(mean, left, right).T, top, bottom).T)
