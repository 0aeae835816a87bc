"""Where a radiograph differs from those without pneumonia, from the training images and their labels alone: without boxes and without a
network. A place of an image counts by how far apart the two classes are there, by how much lighter the image is there than healthy
ones are, and by how much lighter than the same place of its other half."""
import numpy as np
import torch

from ..data.decoding.resize import square
from .gradcam import resized

SIDE = 32      # places a side
CLASSES, MIRRORED, LIGHT = 1, 3, 4  # Gaussian blur, in places, of each of the three
SOFT = .35     # steepness of what a place gains by being lighter by one standard deviation
MASK = .12     # share of an image's places that are taken for its opacities
SAMPLE = 10_000  # images to learn from at most, drawn with seed 0
LEAST = 10     # images of each class from which a view tells how far apart they are: a few alike have a spread of almost nothing


def places(images) -> np.ndarray:
    "(n, SIDE, SIDE) float32 of uint8 squares."
    return np.stack([square(image, SIDE, 'stretch') for image in images]).astype(np.float32)


def blurred(x, sigma):
    from scipy.ndimage import gaussian_filter
    return gaussian_filter(x, (0, sigma, sigma))


def mirrored(x): return x[..., ::-1]


def apart(x, labels):
    "Cohen's d of the two classes at each place."
    ill, well = x[labels == 1], x[labels == 0]
    return (ill.mean(0) - well.mean(0)) / np.sqrt((ill.var(0) + well.var(0))/2 + 1e-6)


def rarer(labels): return np.bincount(labels, minlength=2).min()


def lighter(x, mean, sd): return np.logaddexp(0, SOFT*(x - mean)/sd)


class Differences:
    "Learnt from `images` (n, SIDE, SIDE), as `places` gives them, their labels and, where known, views: the classes differ in views too."
    def __init__(self, images, labels, views):
        labels, views = np.asarray(labels), np.asarray(views, object)
        within = [views == v for v in dict.fromkeys(views) if rarer(labels[views == v]) >= LEAST] or [labels >= 0]
        x = blurred(images, CLASSES)
        d = np.average([apart(x[w], labels[w]) for w in within], axis=0, weights=[rarer(labels[w]) for w in within]).clip(0)
        self.where = (d + mirrored(d)) / 2
        well = images[labels == 0]
        self.usual = [(x.mean(0), x.std(0) + 1e-3) for x in self.seen(well)]

    @classmethod
    def of(cls, pixels, table):
        "From the rows of `table`, with path, label and view."
        table = table.sample(SAMPLE, random_state=0) if len(table) > SAMPLE else table
        return cls(places(pixels[p] for p in table.path), table.label, table['view'].astype(object).where(table['view'].notna(), ''))

    @staticmethod
    def seen(x):
        light = blurred(x, MIRRORED)
        return light - mirrored(light), blurred(x, LIGHT)

    def maps(self, images) -> np.ndarray:
        "(n, SIDE, SIDE) float32 in 0..1, 1 at the hottest, of uint8 squares."
        heat = self.where * np.prod([lighter(x, *usual) for x, usual in zip(self.seen(places(images)), self.usual, strict=True)], 0)
        return (heat / np.maximum(heat.max((1, 2), keepdims=True), 1e-9)).astype(np.float32)

    def masks(self, images) -> np.ndarray:
        "(n, SIDE, SIDE) bool: the hottest share `MASK` of the places of each, none where all are cold."
        heat = self.maps(images)
        return (heat > 0) & (heat >= np.quantile(heat, 1 - MASK, (1, 2))[:, None, None])

    def each(self, images, size):
        "Yields (size, size) float32 in 0..1 of one image after the other, between places along straight lines."
        for image in images: yield resized(torch.from_numpy(self.maps([image])), (size, size))[0].numpy()
