"Where heat lies that no lung explains: outside the body, in the top corners where markers are burnt in, on the border; and left or right."
import numpy as np
from scipy.ndimage import label

from ..evaluation.intervals.bootstrap import stated
from ..evaluation.intervals.levels import of_signed

FRAME, CORNER = 1 / 16, 3 / 16  # of the image's side
DARK = .1                       # of the 99th percentile: background outside the body is darker


def outside(image) -> np.ndarray:
    "Whether each pixel of a (h, w) uint8 image belongs to dark background that reaches the image's edge."
    parts, _ = label(image < DARK * np.percentile(image, 99))
    edge = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    return np.isin(parts, edge[edge > 0])


def regions(image) -> dict:
    "Masks (h, w) by name."
    h, w = image.shape
    y, x = np.mgrid[:h, :w]
    frame, corner = FRAME * h, CORNER * h
    return {'outside the body': outside(image), 'top corners': (y < corner) & ((x < corner) | (x >= w - corner)),
            'border': (y < frame) | (y >= h - frame) | (x < frame) | (x >= w - frame), 'left half of the image': x < w / 2}


def shares(
    images,  # (n, h, w) uint8
    heats,   # (n, h, w) in 0..1
    patient,  # whose image each is [n]
) -> dict:
    """For each region: `heat`, the mean share of an image's heat that lies there, `area`, of its pixels, and `more`, heat less area with
    its interval over patients. A flat map counts as even."""
    found = {}
    for image, heat in zip(images, heats, strict=True):
        total = heat.sum(dtype=float)
        for name, mask in regions(image).items():
            area = mask.mean()
            found.setdefault(name, []).append((heat[mask].sum(dtype=float) / total if total else area, area))
    found = {k: np.array(v) for k, v in found.items()}
    more = {k: v[:, 0] - v[:, 1] for k, v in found.items()}
    intervals = of_signed(patient, more)
    return {k: dict(heat=float(v[:, 0].mean()), area=float(v[:, 1].mean()), more=stated(more[k].mean(), intervals[k], ''))
            for k, v in found.items()}
