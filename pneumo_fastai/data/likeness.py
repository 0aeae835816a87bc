"Whether an image's grey levels are like those of the training images: a blank or nearly black one gets a probability as any other does."
import math

import numpy as np

SAMPLE = 2000  # images, evenly spaced: as good as all
MARGIN = 0.25  # of the training images' range, on each side: other machines expose otherwise
LEVELS = np.arange(256.)
BLANK = 1  # standard deviation in grey levels below which nothing is seen, whatever training had


def measures(image) -> dict:
    "Mean and standard deviation of the grey levels of a uint8 image."
    share = np.bincount(image.ravel(), minlength=256) / image.size  # from 256 numbers: sooner than from each pixel
    mean = float(share @ LEVELS)
    return {'mean': mean, 'standard deviation': math.sqrt(share @ (LEVELS - mean)**2)}


def sampled(pixels, paths):
    "Yields at most about SAMPLE of the images."
    for path in list(paths)[::max(1, len(paths) // SAMPLE)]: yield pixels.read([pixels.row(path)])[0]


def grey_range(
    pixels,  # a `Pixels`
    paths,   # of the training images
) -> dict:
    "For each of `measures` the percentiles 0.1 and 99.9 over the training images."
    each = [measures(image) for image in sampled(pixels, paths)]
    return {k: np.percentile([m[k] for m in each], [0.1, 99.9]).tolist() for k in each[0]}


def unlike(
    image,   # uint8, as the network's cache has it
    usual,   # of `grey_range`; None: not known
) -> str|None:
    "What of its grey levels lies outside of the training images' range and its margin, in words; None where nothing does."
    if usual is None: return None
    said = []
    for name, value in measures(image).items():
        low, high = limits(name, usual)
        if not low <= value <= high: said.append(f'{name} {value:.1f}, expected {low:.1f} to {high:.1f}')
    return f'grey levels unlike those of training: {"; ".join(said)}' if said else None


def limits(measure, usual) -> tuple[float, float]:
    "What is expected: the range with its margin, within what grey levels can be."
    low, high = usual[measure]
    margin = MARGIN * (high - low)
    return max(low - margin, BLANK if measure == 'standard deviation' else 0), min(high + margin, 255)
