"Cohort -> DataLoaders: the DataBlock, the `XRay` tensor and the batch transforms."
from pathlib import Path

import numpy as np
import pandas as pd
from fastai.data.all import CategoryBlock, ColReader, ColSplitter, DataBlock, DataLoaders, TransformBlock
from fastai.data.transforms import IntToFloatTensor, Normalize, Pipeline, Transform
from fastai.imports import dispatch
from fastai.torch_core import TensorCategory, TensorImageBW, set_seed, show_image
from fastai.vision.augment import Brightness, Contrast, Flip, PadMode, Rotate, Zoom, setup_aug_tfms
from fastai.vision.data import get_grid

from ..data.cache import Pixels
from ..data.cohort import CLASSES
from ..data.dicom import read_square
from ..data.prepare import Prepared, prepare


class XRay(TensorImageBW):
    "A radiograph: (1, size, size) uint8, bright = dense; float and normalised once it is in a batch. Shows in grey, white = dense."
    def show(self, ctx=None, **kwargs): return show_image(np.asarray(self.cpu().squeeze(0)), ctx=ctx, **{'cmap': 'gray', **kwargs})


@dispatch
def plot_top_losses(x:XRay, y:TensorCategory, samples, outs, raws, losses, nrows=None, ncols=None, figsize=None, **kwargs):
    "fastai's, with a title that fits over a film."
    for ax, s, o, r, loss in zip(get_grid(len(samples), nrows, ncols, figsize=figsize), samples, outs, raws, losses, strict=False):
        s[0].show(ctx=ax, **kwargs)
        ax.set_title(f'{s[1]}, loss {loss.item():.2f}\ncalled {o[0]} ({r.max().item():.2f})', fontsize=9)


class LoadXRay(Transform):
    "A file's path -> `XRay`: from the cache where that has it, else decoded here by the same function. Raises `UnreadableImage`."
    input_types = (str, Path)  # what `Learner.predict` may be given

    def __init__(self, size, aspect, pixels=None, any_view=False): self.how, self.pixels = (size, aspect, any_view), pixels

    def encodes(self, path):
        cached = self.pixels is not None and path in self.pixels
        return XRay(np.array(self.pixels[path] if cached else read_square(path, *self.how)[0])[None])

    def __getstate__(self): return {**self.__dict__, 'pixels': None}  # an exported learner goes without its images


def class_name(label): return CLASSES[label]


def mean_std(pixels, paths) -> tuple[float, float]:
    "Mean and standard deviation over every pixel of `paths`, in 0..1, exact: from the histogram of the bytes."
    counts = sum(np.bincount(pixels[p].ravel(), minlength=256) for p in paths)
    grey = np.arange(256) / 255
    mean = (counts * grey).sum() / counts.sum()
    return float(mean), float(np.sqrt((counts * (grey - mean)**2).sum() / counts.sum()))


def augmentations(experiment) -> list:
    "fastai's batch transforms for the fields above 0; one resampling for flip, rotation and crop together; training only."
    e, each = experiment, dict(p=1., batch=False)
    tfms = [Flip(p=e.flip, pad_mode=PadMode.Zeros)] if e.flip else []
    if e.rotate: tfms.append(Rotate(max_deg=e.rotate, pad_mode=PadMode.Zeros, **each))
    if e.crop < 1: tfms.append(Zoom(max_zoom=1 / e.crop, pad_mode=PadMode.Zeros, **each))
    if e.brightness: tfms.append(Brightness(max_lighting=e.brightness, **each))
    if e.contrast: tfms.append(Contrast(max_lighting=e.contrast, **each))
    return setup_aug_tfms(tfms)


def xray_block(experiment, pixels:Pixels, stats) -> DataBlock:
    "The DataBlock: rows with `path`, `label` and `is_valid` -> (`XRay`, category)."
    image = TransformBlock(type_tfms=LoadXRay(experiment.size, experiment.aspect, pixels, experiment.any_view), batch_tfms=IntToFloatTensor)
    return DataBlock(blocks=(image, CategoryBlock(vocab=CLASSES, sort=False)),
                     get_x=ColReader('path'), get_y=Pipeline([ColReader('label'), class_name]), splitter=ColSplitter('is_valid'),
                     batch_tfms=[*augmentations(experiment), Normalize.from_stats([stats[0]], [stats[1]], cuda=False)])


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
    used = rows[rows.split != 'test'].assign(is_valid=lambda t: t.split == 'valid')
    if experiment.shuffle_labels:
        used.loc[used.split == 'train', 'label'] = np.random.default_rng(experiment.seed).permutation(train.label)
    set_seed(experiment.seed, reproducible=True)
    if experiment.oversample == 'view': used = balanced(used, ['view', 'label'], experiment.seed)
    block = xray_block(experiment, cohort.pixels, mean_std(cohort.pixels, train.path))
    dls = block.dataloaders(used, bs=min(experiment.batch_size, len(train)), val_bs=2 * experiment.batch_size, num_workers=0, device=device)
    dls.cohort = cohort
    return dls


def split_dl(dls, split):
    "The images of one split ('train', 'valid' or 'test') in the cohort's order, untouched by augmentation, with labels."
    table = dls.cohort.table
    return dls.test_dl(table[table.split == split], with_labels=True)


__all__ = ['CLASSES', 'LoadXRay', 'Prepared', 'XRay', 'get_dls', 'split_dl']
