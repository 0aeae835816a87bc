"The validation images that the network finds most like one, by the distance of their features."
from dataclasses import dataclass

import numpy as np

from ..data.cohort import CLASSES
from ..data.decoding.dicom import UnreadableImage, read_square

SHOWN, SIDE = 6, 256


@dataclass(frozen=True)
class Neighbour:
    label:str
    distance:float
    image:np.ndarray|None  # (SIDE, SIDE) uint8; None where the file is not at hand


def nearest(
    features,    # (d,) of the image
    references,  # (n, d) of the validation images
    most=SHOWN,
) -> tuple[np.ndarray, np.ndarray]:
    "Rows of the references that are nearest, the nearest first, and their distances."
    distances = np.linalg.norm(np.asarray(references, float) - np.asarray(features, float), axis=1)
    rows = np.argsort(distances, kind='stable')[:most]
    return rows, distances[rows]


def neighbours(subject, image) -> list[Neighbour]:
    "Of an image as the network sees it; none where the model has no references."
    references = getattr(subject.bundle, 'references', None)
    if references is None: return []
    rows, distances = nearest(features_of(subject.bundle, image), references['features'])
    paths = valid_paths(subject.run, len(references['features']))
    return [Neighbour(CLASSES[int(references['labels'][i])], float(d), paths and picture(paths[i], subject.recipe))
            for i, d in zip(rows, distances, strict=True)]


def features_of(bundle, image) -> np.ndarray: return bundle.features(image[None])[0]


def valid_paths(run, n) -> list[str]:
    "The paths of valid in the order of predictions.csv, which is that of the references; none where these are not of this run."
    if run is None: return []
    paths = run.predictions.loc[run.predictions['split'] == 'valid', 'path'].tolist()
    return paths if len(paths) == n else []


def picture(path, recipe):
    try: return read_square(path, SIDE, recipe['aspect'], recipe.get('any_view', False))[0]
    except UnreadableImage: return None  # moved since
