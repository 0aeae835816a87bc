"The validation images that the network finds most like one, by the distance of their features."
from dataclasses import dataclass

import numpy as np

from ..data.cohort import CLASSES
from ..errors import UnreadableImage
from .picture import read

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
    "Of an image as the network sees it; none where the model has no references. Of several networks the features stand in one row."
    known = getattr(subject.bundle, 'references', None)
    if not known: return []
    each = np.concatenate([known[f'features_{i}'] for i in range(1, subject.bundle.n + 1)], 1)
    rows, distances = nearest(features_of(subject.bundle, image), each)
    labels = known['labels_1']
    paths = reference_paths(subject.run, labels)
    return [Neighbour(CLASSES[labels[i]], float(d), picture(paths[i], subject.recipe) if paths else None)
            for i, d in zip(rows, distances, strict=True)]


def features_of(bundle, image) -> np.ndarray:
    "Of each network of length 1, as the references are."
    import torch

    from ..inference.network import seen
    with torch.inference_mode(): _, each = seen(bundle.network, bundle.normalised(np.stack([image])))
    return np.concatenate([f[0].cpu().numpy() for f in each])


def reference_paths(run, labels) -> list[str]:
    "Their paths: evenly chosen images of valid in the order of predictions.csv; none where the labels say that these are others."
    if run is None or run.of: return []  # whose valid has other images
    valid = run.predictions[run.predictions['split'] == 'valid']
    if len(valid) < len(labels): return []
    some = valid.iloc[np.linspace(0, len(valid) - 1, len(labels)).round().astype(int)]
    return some['path'].tolist() if np.array_equal(some['label'], labels) else []


def picture(path, recipe):
    try: return read(path, SIDE, recipe)[0]
    except UnreadableImage: return None  # moved since
