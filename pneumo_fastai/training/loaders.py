"Cohort -> DataLoaders: the DataBlock and its batch transforms."
from dataclasses import replace

import numpy as np
import pandas as pd
from fastai.data.all import CategoryBlock, ColReader, ColSplitter, DataBlock, DataLoaders, TransformBlock
from fastai.data.transforms import IntToFloatTensor, Normalize, Pipeline
from fastai.imports import dispatch
from fastai.torch_core import TensorCategory, set_seed
from fastai.vision.data import get_grid

from ..data.cache import Pixels
from ..data.cohort import CLASSES
from ..data.prepare import Prepared, prepare
from .augment import augmentations
from .batches import BatchDL, ClassName, LoadXRay, XRay

SAMPLE = 20_000  # images whose pixels say how to normalise; in more, the mean moves in the fourth digit


@dispatch
def plot_top_losses(x:XRay, y:TensorCategory, samples, outs, raws, losses, nrows=None, ncols=None, figsize=None, **kwargs):
    "fastai's, with a title that fits over a film."
    for ax, s, o, r, loss in zip(get_grid(len(samples), nrows, ncols, figsize=figsize), samples, outs, raws, losses, strict=False):
        s[0].show(ctx=ax, **kwargs)
        ax.set_title(f'{s[1]}, loss {loss.item():.2f}\ncalled {o[0]} ({r.max().item():.2f})', fontsize=9)


def mean_std(pixels, paths) -> tuple[float, float]:
    "Mean and standard deviation over every pixel of `paths`, in 0..1, exact: from the histogram of the bytes."
    counts = sum(np.bincount(pixels[p].ravel(), minlength=256) for p in paths)
    grey = np.arange(256) / 255
    mean = (counts * grey).sum() / counts.sum()
    return float(mean), float(np.sqrt((counts * (grey - mean)**2).sum() / counts.sum()))


def sampled(paths, cohort):
    "`paths`, or of more than `SAMPLE` that many by a fixed seed; and the cohort, with a note where it is not all."
    if len(paths) <= SAMPLE: return paths, cohort
    note = f'mean and standard deviation for the network are those of {SAMPLE} of the {len(paths)} training images, drawn with seed 0'
    return paths.sample(SAMPLE, random_state=0), replace(cohort, notes=[*(o for o in cohort.notes if o != note), note])


def xray_block(experiment, pixels:Pixels, stats) -> DataBlock:
    "The DataBlock: rows with `path`, `label` and `is_valid` -> (`XRay`, category)."
    image = TransformBlock(type_tfms=LoadXRay(experiment.size, experiment.aspect, pixels, experiment.any_view), batch_tfms=IntToFloatTensor)
    return DataBlock(blocks=(image, CategoryBlock(vocab=CLASSES, sort=False)),
                     get_x=ColReader('path'), get_y=Pipeline([ColReader('label'), ClassName()]), splitter=ColSplitter('is_valid'),
                     dl_type=BatchDL, batch_tfms=[*augmentations(experiment), Normalize.from_stats([stats[0]], [stats[1]], cuda=False)])


def balanced(rows, by, seed) -> pd.DataFrame:
    "`rows`, and of those of training, by group of `by`, as many again, drawn at random, as the most frequent group has more."
    train = rows[~rows.is_valid]
    groups = [group for _, group in train.groupby(train[by].astype(object).fillna('not stated').apply(tuple, axis=1))]
    most = max(map(len, groups))
    again = [group.sample(most - len(group), replace=most - len(group) > len(group), random_state=seed) for group in groups]
    return pd.concat([rows, *again], ignore_index=True)


def get_dls(
    experiment,   # an `Experiment`
    cohort,       # from `read_cohort` or `prepare`
    cache=None,   # the cache folder; None: the user's
    device=None,  # where batches are augmented; None: fastai's default
) -> DataLoaders:
    "Training and validation `DataLoaders` of a cohort; sets the seeds. `dls.cohort` is the prepared cohort."
    cohort = prepare(cohort, experiment, cache)
    rows = cohort.table[['path', 'label', 'split', 'view']]
    train = rows[rows.split == 'train']
    some, cohort = sampled(train.path, cohort)
    used = rows[rows.split != 'test'].assign(is_valid=lambda t: t.split == 'valid')
    if experiment.shuffle_labels:
        used.loc[used.split == 'train', 'label'] = np.random.default_rng(experiment.seed).permutation(train.label)
    set_seed(experiment.seed, reproducible=True)
    if experiment.oversample == 'view': used = balanced(used, ['view', 'label'], experiment.seed)
    block = xray_block(experiment, cohort.pixels, mean_std(cohort.pixels, some))
    dls = block.dataloaders(used, bs=min(experiment.batch_size, len(train)), val_bs=2 * experiment.batch_size, num_workers=0, device=device)
    dls.cohort = cohort
    return dls


def split_dl(dls, split):
    "The images of one split ('train', 'valid' or 'test') in the cohort's order, untouched by augmentation, with labels."
    table = dls.cohort.table
    return dls.test_dl(table[table.split == split], with_labels=True)


__all__ = ['CLASSES', 'LoadXRay', 'Prepared', 'XRay', 'get_dls', 'split_dl']
