"The boxes of readers, as masks in the frame that the network sees; `of` is an `evaluation.Subject`."
import numpy as np

from ..data.prepare import rows_in_square
from . import localization


def clipped_boxes(of, rows):
    "Of each row its boxes in the network's frame, cut to it, and how many were cut."
    return [localization.clipped(boxes, of.run.experiment.size) for boxes in rows_in_square(of.cohort, rows, of.run.experiment)]


def boxed(of, split):
    "Positives of a split that have boxes, their masks (n, size, size), how many have none, and how many boxes were clipped."
    rows, size = of.rows(split).query('label == 1'), of.run.experiment.size
    found = clipped_boxes(of, rows)
    has = [bool(boxes) for boxes, _ in found]
    masks = np.stack([localization.box_mask(b, size) for b, _ in found if b]) if any(has) else np.zeros((0, size, size), bool)
    return rows[has], masks, len(has) - sum(has), sum(n for _, n in found)


def mean_box(of):
    "In how many of the training images with boxes each pixel is in one, from 0 to 1 at the most frequent, (size, size); None for none."
    size, total = of.run.experiment.size, 0
    for boxes, _ in clipped_boxes(of, of.rows('train').query('label == 1')): total = total + localization.box_mask(boxes, size)
    return (total / total.max()).astype(np.float32) if np.any(total) else None
