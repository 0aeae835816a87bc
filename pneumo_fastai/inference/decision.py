"From a file to the network, and from probabilities to what is said of an image: with torch and without, needing neither it nor pandas."
from dataclasses import dataclass

import numpy as np

from ..data import CLASSES
from ..data.decoding.dicom import read_square
from ..errors import InputError
from ..evaluation.calibrators import apply
from ..evaluation.uncertainty import mutual_information, set_codes

NAMES = np.array(['neither', *CLASSES, 'cannot tell'], dtype=object)  # of conformal prediction sets, in the order of their codes
PRECISIONS = 'float32', 'bfloat16'
NO_NUMBER = 'the network gives no number for it'


def check_precision(precision):
    if precision not in PRECISIONS: raise InputError(f'precision is {precision!r}, predictions take {" or ".join(PRECISIONS)}')


def reading(recipe) -> tuple:
    "size, aspect, any_view and grey of model.json, as `read_square` takes them; what it does not say, as it was before there was another."
    return recipe['size'], recipe['aspect'], recipe.get('any_view', False), recipe.get('grey_levels', 'windowed')


def read(
    recipe,  # as `reading` takes it
    path,    # of a file, or a pydicom `Dataset`
) -> tuple[np.ndarray, tuple]:
    "An image as the network's cache has it, (size, size) uint8, and what its header says against it; raises `UnreadableImage`."
    pixels, film = read_square(path, *reading(recipe), doubtful=True)
    return pixels, doubts(recipe, film)


def doubts(recipe, film) -> tuple: return () if recipe.get('any_view', False) else film.doubts


@dataclass(frozen=True)
class Prediction:
    "What the model says of one radiograph, as the command `predict` does."
    probability:float        # of pneumonia, as in the run's predictions.csv
    calibrated:float         # the same after the run's calibrator
    prediction:str           # 'pneumonia' where `probability` is at or above the run's threshold, else 'no pneumonia'
    set:str|None             # conformal prediction set: 'pneumonia', 'no pneumonia', 'cannot tell' (both), 'neither'; None: no limits
    warnings:tuple[str, ...] = ()      # where it is unlike the images of training, and how
    disagreement:float|None = None     # of an ensemble: the mutual information of its networks, in nats


def decided(
    recipe,  # threshold, calibrator and conformal, as a bundle has them
    each,    # (members, n) probabilities, NaN where there is no image
) -> dict:
    """By column of `Bundle.table`, [n] each: probability, calibrated, of several members disagreement, prediction and set; and known,
    whether both numbers are finite. Where they are not, prediction and set are None and disagreement is NaN."""
    probability = each.mean(0)
    calibrated = apply(recipe['calibrator'], probability)
    known = np.isfinite(probability) & np.isfinite(calibrated)
    found = dict(probability=probability, calibrated=calibrated)
    if len(each) > 1:
        found['disagreement'] = np.full(len(known), np.nan)
        found['disagreement'][known] = mutual_information(each[:, known])
    called = np.where(probability >= recipe['threshold'], CLASSES[1], CLASSES[0])
    return found | dict(prediction=np.where(known, called, None), set=np.where(known, sets(recipe, probability), None), known=known)


def sets(recipe, probability) -> np.ndarray:
    "The name in `NAMES` of each conformal prediction set [n], or None where the recipe has no limits."
    limits = recipe.get('conformal')
    return np.full(len(probability), None) if limits is None else NAMES[set_codes(limits, probability)]
