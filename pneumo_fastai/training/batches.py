"Batches by the batch: the `XRay` tensor, `LoadXRay`, and the `TfmdDL` that reads a batch's images from the cache at once, as bytes."
import warnings
from pathlib import Path

import numpy as np
import torch
from fastai.data.core import Datasets, TfmdDL
from fastai.data.transforms import Categorize, ColReader, ToTensor, Transform
from fastai.torch_core import TensorCategory, TensorImageBW, TensorMask, show_image
from fastcore.basics import chunked
from torch.utils.data import get_worker_info

from ..data.cohort import CLASSES
from ..data.decoding.dicom import read_square
from ..errors import InputError

SHARE = .5     # of a GPU's free memory that the whole set may take for good
CHUNK = 4096   # images a read, on their way there
HOOKS = 'create_item do_item create_batch do_batch retain chunkify'.split()  # what a subclass may do otherwise, item by item


class XRay(TensorImageBW):
    """A radiograph: (1, size, size) uint8, bright = dense; float and normalised once it is in a batch. Shows in grey, white = dense, on
    the same scale for all that are not normalised."""
    def show(self, ctx=None, **kwargs):
        x = np.asarray(self.cpu().squeeze(0))
        top = 1 if self.is_floating_point() else 255
        scale = dict(vmin=0, vmax=top) if x.min() >= 0 and x.max() <= top else {}
        return show_image(x, ctx=ctx, **{'cmap': 'gray', **scale, **kwargs})


class BoxMask(TensorMask):
    "(n, size, size), 1 in a reader's box and 0 elsewhere; augmented as the films are."


class LoadXRay(Transform):
    "A file's path -> `XRay`: from the cache where that has it, else decoded here by the same function. Raises `UnreadableImage`."
    input_types = (str, Path)  # what `Learner.predict` may be given

    def __init__(self, how, pixels=None):
        self.how, self.pixels, self.resident = how, pixels, {}  # how: as `read_square` takes it

    def encodes(self, path):
        cached = self.pixels is not None and path in self.pixels
        return XRay(np.array(self.pixels[path] if cached else read_square(path, *self.how)[0])[None])

    def __getstate__(self): return {**self.__dict__, 'pixels': None, 'resident': {}}  # an exported learner goes without its images


class ClassName(Transform):
    "A label, 0 or 1 -> the name of its class."
    def encodes(self, label): return CLASSES[label]


class BatchDL(TfmdDL):
    "A `TfmdDL` that reads a batch's images at once, onto its device. With transforms of an item's own it goes image by image, and warns."
    masks = None    # a function from rows of the items to their `BoxMask`
    begin = None    # (batches, then): the next pass leaves out the first so many, and calls `then` before it makes the one after them
    part = 0, 1     # (which, of how many) equal parts of each batch is this loader's: of a validation's last one, there may be none
    masked = False  # set before an epoch: its batches end with their masks. Taken back at once: no one else sees them, whatever happens

    def new(self, dataset=None, *args, **kwargs):
        out = super().new(dataset, *args, **kwargs)
        if dataset is None: out.masks, out.part = self.masks, self.part
        return out

    def create_batches(self, samps):
        masks, self.masked = self.masks if self.masked else None, False
        if self.begin:
            (done, then), self.begin = self.begin, None
            samps = list(samps)[done*self.bs:]
            then()
        own = by_item(self)
        if own and masks: raise InputError(f'boxes cannot be learnt from where batches are put together image by image: {own}')
        if own and self.part[1] > 1: raise InputError(f'several processes cannot share batches that are put together image by image: {own}')
        if own:
            warnings.warn(f'batches are put together image by image, which is slower: {own}', stacklevel=2)
            yield from super().create_batches(samps)
        for idxs in () if own else self.parts(samps):
            yield (*self.gather(idxs), masks(self.dataset.items.iloc[idxs])) if masks else self.gather(idxs)

    def parts(self, samps):
        "This loader's of each batch, `bs` being that of all; `interleaved` puts their predictions together again."
        which, of = self.part
        yield from filter(None, (idxs[which::of] for idxs in chunked(samps, self.bs, self.drop_last)))

    def after_iter(self):
        super().after_iter()
        self.masked = False  # with workers it was taken back in theirs

    def gather(self, idxs) -> tuple:
        "The batch (`XRay`, categories where there are labels) of these items, as `do_batch` makes it of them."
        items, (images, *targets) = self.dataset.items, self.dataset.tls
        items = list(items.iloc[idxs].itertuples(index=False)) if hasattr(items, 'iloc') else [items[i] for i in idxs]
        rows = found(images.tfms.fs, items)
        if rows is None: return self.do_batch([self.do_item(i) for i in idxs])
        return XRay(on_device(images.tfms.fs[-1], rows, self.device)), *(categories(t.tfms.fs, items) for t in targets)


def interleaved(parts) -> torch.Tensor:
    "What the loaders of all parts had, an item a row, in the order of their set; None for one that had nothing."
    there = [o for o in parts if o is not None]
    whole = torch.empty((sum(map(len, there)), *there[0].shape[1:]), dtype=there[0].dtype)
    for which, rows in enumerate(there): whole[which::len(parts)] = rows
    return whole


def by_item(dl):
    "Why a loader's items must be made one by one, in words; None where they are a cached image and its category."
    if changed := [o for o in HOOKS if o in vars(dl) or getattr(type(dl), o) is not getattr(TfmdDL, o)]: return f'its own {changed[0]}'
    if own := [t.name for t in (*dl.after_item.fs, *dl.before_batch.fs) if type(t) is not ToTensor]: return f'the item transform {own[0]}'
    if not isinstance(dl.dataset, Datasets): return f'a {type(dl.dataset).__name__}'
    known = [LoadXRay], *[[ClassName, Categorize]] * (len(dl.dataset.tls) - 1)
    for tl, want in zip(dl.dataset.tls, known, strict=True):
        types = [type(f) for f in tl.tfms.fs]
        if types not in (want, [ColReader, *want]): return f'the type transforms {", ".join(t.__name__ for t in types)}'


def found(tfms, items):
    "The rows of the cache that hold the items, None unless it has them all."
    *reader, load = tfms
    if load.pixels is None: return None
    rows = [load.pixels.row(reader[0](o) if reader else o) for o in items]
    return None if None in rows else rows


def categories(tfms, items) -> TensorCategory:
    reader, name, categorize = tfms
    labels = [reader(o) for o in items]
    codes = {label: int(categorize(name(label))) for label in set(labels)}
    return TensorCategory(torch.tensor([codes[label] for label in labels]))


def on_device(load, rows, device) -> torch.Tensor:
    "(n, 1, size, size) uint8: from the device's own copy of the set, or through pinned memory."
    if device is None or device.type != 'cuda' or get_worker_info(): return torch.from_numpy(load.pixels.read(rows))[:, None]
    if (held := resident(load, device)) is not None: return held[torch.tensor(rows).pin_memory().to(device, non_blocking=True)][:, None]
    batch = torch.empty((len(rows), *load.pixels.array.shape[1:]), dtype=torch.uint8, pin_memory=True)
    load.pixels.read(rows, batch.numpy())
    return batch.to(device, non_blocking=True)[:, None]


def resident(load, device):
    "(images, size, size) uint8 on a GPU, uploaded once; None where it would take more than `SHARE` of the free memory."
    if device not in load.resident:
        array = load.pixels.array
        fits = array.nbytes <= SHARE * torch.cuda.mem_get_info(device)[0]
        load.resident[device] = torch.empty(array.shape, dtype=torch.uint8, device=device) if fits else None
        for rows in chunked(range(len(array)) if fits else (), CHUNK):
            load.resident[device][rows[0]:rows[-1] + 1].copy_(torch.from_numpy(load.pixels.read(rows)))
    return load.resident[device]
