"""A network that takes the mean and variance of its batch normalisation from images of another place, without labels or training (AdaBN,
Li et al. 2018, doi:10.1016/j.patcog.2018.03.005), in the first half of these layers. There exposure and texture are; in the second it is
rather the disease, and how many of the images show it would move the threshold (measured: docs/using.md)."""
import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from ..errors import InputError
from ..evaluation.adaptation import check_enough, drawn
from ..screen import bar
from .bundle import Bundle

BATCH = 32
GIVEN = 'the network takes its norms from it'


def normed(
    bundle,
    batches,  # of (n, size, size) uint8, of about as many images each: every batch counts the same
) -> Bundle:
    "A `Bundle` of these norms, and all else as it is; `InputError` where the network has no such layer."
    model = copy.deepcopy(bundle.model)
    layers = [layer for network in getattr(model, 'members', [model]) for layer in first_half(network)]
    if not layers: raise InputError(f'{bundle.recipe["arch"]} has no batch normalisation that images could set; leave out --norms')
    for layer in layers:  # these alone: in training mode the whole network would drop what is dropped at random
        layer.reset_running_stats()
        layer.momentum = None  # the mean over all batches
        layer.train()
    with torch.no_grad():
        for pixels in batches: model(bundle.normalised(pixels))
    return Bundle(model.state_dict(), bundle.recipe, bundle.precision, bundle.device, bundle.references, bundle.about)


def first_half(network):
    "Of its batch norms, in the order in which they were made."
    layers = [m for m in network.modules() if isinstance(m, _BatchNorm)]
    return layers[:-(-len(layers) // 2)]


def of_patients(bundle, cohort, n, seed) -> tuple:
    """The bundle with the norms of the images of `n` patients, drawn by chance, and the cohort of all others, with a note of it: those
    images are among its rejected ones. Labels choose nothing but that both classes are left to measure on."""
    table = cohort.table
    check_enough(table.patient, table.label, n, cohort.name, 'norms')
    inside = drawn(table.patient, table.label.to_numpy(), n, seed)
    made, note = of_images(bundle, cohort, inside)
    rejected = pd.DataFrame(dict(path=table.path[inside], reason=GIVEN))
    return made, replace(cohort, table=table[~inside].reset_index(drop=True), notes=[*cohort.notes, f'{note}; these are not measured'],
                         rejected=pd.concat([cohort.rejected, rejected], ignore_index=True))


def of_images(bundle, cohort, inside) -> tuple:
    "The bundle with the norms of the images of `cohort` that are `inside`, and a note of it."
    rows = cohort.table[inside]
    with bar('norms') as tick: made = normed(bundle, batches(cohort.pixels, rows.path, tick))
    return made, (f'mean and variance of the first half of the network\'s batch norms are those of {len(rows):,} images of '
                  f'{rows.patient.nunique():,} patients here, drawn by chance, without their labels')


def batches(pixels, paths, tick):
    "Of their cached images, `BATCH` or nearly so many each."
    at = np.array([pixels.row(p) for p in paths])
    for i, some in enumerate(parts := np.array_split(at, -(-len(at) // BATCH)), 1):
        yield pixels.read(some)
        tick(i, len(parts))
