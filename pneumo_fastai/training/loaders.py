"Cohort -> DataLoaders: the DataBlock and its batch transforms."
from functools import partial

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from fastai.data.all import CategoryBlock, ColReader, DataBlock, DataLoaders, Datasets, TransformBlock
from fastai.data.transforms import IntToFloatTensor, Normalize, Pipeline
from fastai.imports import dispatch
from fastai.torch_core import TensorCategory, set_seed
from fastai.vision.data import get_grid
from fastcore.foundation import L

from ..data.cache import Pixels
from ..data.cohort import CLASSES
from ..data.counts import BY, groups
from ..data.prepare import Prepared, noted, prepare, rows_in_square, stepped
from ..experiment import reading
from ..explain.differences import Differences
from ..explain.localization import box_mask, clipped
from ..processes import rank, world
from .augment import augmentations
from .batches import BatchDL, BoxMask, ClassName, LoadXRay, XRay

SAMPLE = 10_000  # images whose pixels say how to normalise; in more, the mean moves by about 0.001


@dispatch
def plot_top_losses(x:XRay, y:TensorCategory, samples, outs, raws, losses, nrows=None, ncols=None, figsize=None, **kwargs):
    "fastai's, with a title that fits over a film."
    for ax, s, o, r, loss in zip(get_grid(len(samples), nrows, ncols, figsize=figsize), samples, outs, raws, losses, strict=False):
        s[0].show(ctx=ax, **kwargs)
        ax.set_title(f'{s[1]}, loss {loss.item():.2f}\ncalled {o[0]} ({r.max().item():.2f})', fontsize=9)


def mean_std(pixels, paths) -> tuple[float, float]:
    "Mean and standard deviation over every pixel of `paths`, in 0..1, exact: from the sums of the bytes and of their squares."
    images = (pixels[p].ravel().astype(float) for p in paths)
    n, total, squares = np.sum([(x.size, x.sum(), x @ x) for x in images], axis=0)
    return float(total / n / 255), float(np.sqrt(squares / n - (total / n)**2) / 255)


def sampled(paths, cohort):
    "`paths`, or of more than `SAMPLE` that many by a fixed seed; and the cohort, with a note where it is not all."
    if len(paths) <= SAMPLE: return paths, cohort
    note = f'mean and standard deviation for the network are those of {SAMPLE} of the {len(paths)} training images, drawn with seed 0'
    return paths.sample(SAMPLE, random_state=0), noted(cohort, note)


class TrainFirst(DataBlock):
    "A `DataBlock` of rows with `is_valid`, whose splits are slices of them, sorted: lists of numbers, of a million, take 300 MB."
    def datasets(self, source, verbose=False):
        rows = source.sort_values('is_valid', kind='stable', ignore_index=True)
        n = int((~rows.is_valid).sum())
        return Datasets(rows, tfms=self._combine_type_tfms(), splits=[slice(n), slice(n, None)], dl_type=self.dl_type, n_inp=self.n_inp)


def xray_block(experiment, pixels:Pixels, stats) -> DataBlock:
    "The DataBlock: rows with `path`, `label` and `is_valid` -> (`XRay`, category)."
    image = TransformBlock(type_tfms=LoadXRay(reading(experiment), pixels), batch_tfms=IntToFloatTensor)
    return TrainFirst(blocks=(image, CategoryBlock(vocab=CLASSES, sort=False)),
                      get_x=ColReader('path'), get_y=Pipeline([ColReader('label'), ClassName()]), dl_type=BatchDL,
                      batch_tfms=[*augmentations(experiment), Normalize.from_stats([stats[0]], [stats[1]], cuda=False)])


def balanced(rows, by, seed) -> pd.DataFrame:
    "`rows`, and of those of training, by group of `by`, as many again, drawn at random, as the most frequent group has more."
    each = groups(rows[~rows.is_valid], by)
    most = max(map(len, each))
    again = [group.sample(most - len(group), replace=most - len(group) > len(group), random_state=seed) for group in each]
    return pd.concat([rows, *again], ignore_index=True)


def box_masks(experiment, cohort, rows) -> BoxMask:
    "Of rows with `path` and `boxes`, in the frame that the network sees."
    size, each = experiment.size, rows_in_square(cohort, rows, experiment)
    return BoxMask(torch.from_numpy(np.stack([box_mask(clipped(boxes, size)[0], size) for boxes in each])).byte())


def label_masks(size, pixels, differences, rows) -> BoxMask:
    "Of rows with `path`: where each differs most from images without pneumonia."
    masks = differences.masks([pixels[p] for p in rows.path])
    return BoxMask(F.interpolate(torch.from_numpy(masks).byte()[:, None], (size, size))[:, 0])


def guidance(experiment, cohort, train):
    "What makes the masks of rows that the maps are taught; `train` are the rows learnt from."
    if experiment.guided_by == 'boxes': return partial(box_masks, experiment, cohort)
    return partial(label_masks, experiment.size, cohort.pixels, Differences.of(cohort.pixels, train))


def get_dls(
    experiment,   # an `Experiment`
    cohort,       # from `read_cohort` or `prepare`
    cache=None,   # the cache folder; None: the user's
    device=None,  # where batches are augmented; None: fastai's default
) -> DataLoaders:
    "Training and validation `DataLoaders` of a cohort; sets the seeds. `dls.cohort` is the prepared cohort."
    cohort = stepped(prepare(cohort, experiment, cache), experiment)
    device = device and torch.device(device)
    table = cohort.table
    train = table.loc[table.split == 'train', ['path', 'label']]
    some, cohort = sampled(train.path, cohort)
    columns = ['path', 'label', 'view', *['boxes'] * bool(experiment.box_guidance)]
    used = table.loc[table.split.isin(['train', 'valid']), columns].assign(is_valid=table.split == 'valid')
    if experiment.shuffle_labels:  # a box goes with its label
        order, to = np.random.default_rng(experiment.seed).permutation(len(train)), ~used.is_valid
        for column in used.columns.intersection(['label', 'boxes']): used.loc[to, column] = used.loc[to, column].to_numpy()[order]
    set_seed(experiment.seed, reproducible=True)
    if experiment.oversample in BY: used = balanced(used, BY[experiment.oversample], experiment.seed)
    block = xray_block(experiment, cohort.pixels, mean_std(cohort.pixels, some))
    dls = block.dataloaders(used, bs=experiment.batch_size, num_workers=0, device=device)
    for dl in dls.loaders:
        share(dl.dataset)
        dl.part = rank(), world()
    if experiment.box_guidance: dls.train.masks = guidance(experiment, cohort, used[~used.is_valid])
    dls.cohort = cohort
    return dls


def share(dsets):
    "One copy of the items in place of fastai's one a transform, and no lists of which items of the whole they were: of a million, 250 MB."
    dsets.items = dsets.items
    for tl in dsets.tls: tl.splits = L(slice(None), [])  # what fastai gives items that were not split


def normalised_by(dls) -> tuple[float, float]:
    "Mean and standard deviation that the network's inputs are normalised by."
    normalize = next(t for t in dls.valid.after_batch.fs if isinstance(t, Normalize))
    return normalize.mean.item(), normalize.std.item()


def split_dl(dls, split):
    "The images of one split ('train', 'valid' or 'test') in the cohort's order, untouched by augmentation, with labels."
    table = dls.cohort.table
    return dls.test_dl(table[table.split == split], with_labels=True)


__all__ = ['CLASSES', 'LoadXRay', 'Prepared', 'XRay', 'get_dls', 'split_dl']
