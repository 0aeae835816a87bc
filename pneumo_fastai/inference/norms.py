"""A network that takes the mean and variance of its batch normalisation from images of another place, without labels or training (AdaBN,
Li et al. 2018, doi:10.1016/j.patcog.2018.03.005), in the first half of these layers. There exposure and texture are; in the second it is
rather the disease, and how many of the images show it would move the threshold (measured: experiments/README.md)."""
import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from ..data.listed import images_named
from ..errors import InputError, UnreadableImage
from ..evaluation.adaptation import check_enough, drawn
from ..runs.folder import new_folder
from ..screen import bar, note
from .bundle import Bundle
from .export import save_whole
from .external import checked_place

BATCH = 32
LEAST, MOST = 32, 512  # images without labels: fewer say too little, more say no more
GIVEN = 'the network takes its norms from it'


def normed(
    bundle,
    batches,  # of (n, size, size) uint8, of about as many images each: every batch counts the same
) -> Bundle:
    "A `Bundle` of these norms, and all else as it is."
    model = copy.deepcopy(bundle.model)
    for layer in taking(model):  # these alone: in training mode the whole network would drop what is dropped at random
        layer.reset_running_stats()
        layer.momentum = None  # the mean over all batches
        layer.train()
    with torch.no_grad():
        for pixels in batches: model(bundle.normalised(pixels))
    return Bundle(model.state_dict(), bundle.recipe, bundle.precision, bundle.device, bundle.references, bundle.about)


def taking(model) -> list:
    "The layers that take norms: the first half of the batch norms, in the order in which they were made, of each network."
    networks = [[m for m in network.modules() if isinstance(m, _BatchNorm)] for network in getattr(model, 'members', [model])]
    return [layer for layers in networks for layer in layers[:-(-len(layers) // 2)]]


def check_norms(bundle):
    "`InputError` where the network has no layer that takes norms; to be told before a data set is decoded."
    if taking(bundle.model): return
    raise InputError(f'{bundle.recipe["arch"]} has no batch normalisation that images could set; leave out --norms')


def of_patients(bundle, cohort, n, seed) -> tuple:
    """The bundle with the norms of the images of `n` patients, drawn by chance, and the cohort of all others, with a note of it: those
    images are among its rejected ones. Labels choose nothing but that both classes are left to measure on."""
    table = cohort.table
    check_enough(table.patient, table.label, n, cohort.name, 'norms')
    inside = drawn(table.patient, table.label.to_numpy(), n, seed)
    made, told = of_images(bundle, cohort, inside)
    rejected = pd.DataFrame(dict(path=table.path[inside], reason=GIVEN))
    return made, replace(cohort, table=table[~inside].reset_index(drop=True), notes=[*cohort.notes, f'{told}; these are not measured'],
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


def model_of(
    model,   # the folder of a run, or of its model
    images,  # files without labels, as `predict` takes them
    out,     # the new folder, or None: one beside the model
    seed=0,  # of which images, where there are more than `MOST`
):
    "The folder of a model with the norms of these images, for `predict`, and how many they were. It has no metrics: nothing was measured."
    bundle, given, model = Bundle.load(model), checked_place(out), Path(model).resolve()
    paths, name = images_named(images)[0], Path(str(images).lstrip('@')).resolve().name
    pixels = readable(bundle, np.random.default_rng(seed).permutation(paths)[:MOST], name)
    check_norms(bundle)
    made = normed(bundle, np.array_split(pixels, -(-len(pixels) // BATCH)))
    made.about = bundle.about | dict(metrics={}, norms=dict(images=len(pixels), data=name))
    folder = Path(given).resolve() if given else new_folder(model.parent, f'{model.name}-norms-of-{name}')
    save_whole(made, folder)
    return folder, len(pixels)


def readable(bundle, paths, name) -> np.ndarray:
    "As the network sees them, (n, size, size) uint8; those that cannot be read are counted in a note."
    found = []
    with bar('reading images') as tick:
        for i, path in enumerate(paths, 1):
            try: found.append(bundle.pixels(path))
            except UnreadableImage as e: last = e.reason
            tick(i, len(paths), i - len(found))
    if len(found) < LEAST:
        raise InputError(f'{name} has {len(found)} images that can be read, too few to take norms from; give {LEAST} or more')
    if lost := len(paths) - len(found): note(f'{lost} of {len(paths)} images could not be read and are left out; the last {last}')
    return np.stack(found)
