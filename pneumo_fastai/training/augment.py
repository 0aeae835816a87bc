"The batch transforms of augmentation: fastai's, and those that it lacks or draws once for the whole batch; each image has its own draw."
import math
from functools import partial

import torch
import torch.nn.functional as F
from fastai.torch_core import TensorImage, TensorMask
from fastai.vision.augment import (
    AffineCoordTfm,
    Brightness,
    Contrast,
    Flip,
    PadMode,
    RandTransform,
    Rotate,
    Zoom,
    affine_mat,
    setup_aug_tfms,
)

CROPPED = 4 / 3             # the longer side of a resized crop, in shorter ones
ERASED = .02, .33, 10 / 3   # least and greatest area, and longer side, of what is blotted out (Zhong et al. 2020)


def augmentations(experiment) -> list:
    """Batch transforms for the fields that change anything, for training only, on images in [0, 1]: one resampling for flip, rotation
    and crop together, then the grey levels and the blot."""
    e, each = experiment, dict(p=1., batch=False)
    tfms = [Flip(p=e.flip, pad_mode=PadMode.Zeros)] if e.flip else []
    if e.rotate: tfms.append(Rotate(max_deg=e.rotate, pad_mode=PadMode.Zeros, **each))
    if e.crop < 1: tfms.append(Zoom(max_zoom=1 / e.crop, pad_mode=PadMode.Zeros, **each))
    if e.resized_crop < 1: tfms.append(AffineCoordTfm(partial(crop_mat, share=e.resized_crop)))
    if e.brightness: tfms.append(Brightness(max_lighting=e.brightness, **each))
    if e.contrast: tfms.append(Contrast(max_lighting=e.contrast, **each))
    tfms += [tfm(most) for tfm, most in ((Gamma, e.gamma), (Erase, e.erase)) if most]
    return [Resample(t.aff_fs) if isinstance(t, AffineCoordTfm) else t for t in setup_aug_tfms(tfms)]


class Resample(AffineCoordTfm):
    """fastai's affine transforms in one resampling that fills with black: the same numbers, by a cheaper grid, without looking for the
    extent of the zoom (which makes a GPU wait, and is for images that shrink), and without resampling valid and test by the identity."""
    def encodes(self, x:TensorImage): return x if self.split_idx else TensorImage(self.resampled(x))
    def encodes(self, x:TensorMask):  # noqa: F811 (fastcore dispatches on the type)
        return x if self.split_idx else TensorMask(self.resampled(x[:, None].float(), 'nearest')[:, 0].to(x.dtype))

    def resampled(self, x, mode='bilinear'):
        grid = affine_grid(self.mat.as_subclass(torch.Tensor), x.shape[-2:])
        return F.grid_sample(x.as_subclass(torch.Tensor), grid, mode, padding_mode='zeros', align_corners=True)


def affine_grid(
    mat,   # (n, 2, 3)
    size,  # (height, width)
) -> torch.Tensor:
    "(n, height, width, 2): `F.affine_grid` with align_corners; twelve times as fast on a CPU, for it forms no product of matrices."
    y, x = (torch.linspace(-1, 1, o, device=mat.device) for o in size)
    grid = mat.new_empty(len(mat), *size, 2)
    for k in (0, 1): torch.add((mat[:, k, :1] * x)[:, None], (mat[:, k, 1:2] * y + mat[:, k, 2:])[:, :, None], out=grid[..., k])
    return grid


def drawn(x, low, high): return torch.empty(len(x), device=x.device).uniform_(low, high)


def rectangles(x, least, most, longer) -> tuple:
    """Height, width, top and left of a random rectangle in each image (n,), in sides of the image: its area even between `least` and
    `most`, its longer side up to `longer` shorter ones, as far as that fits, anywhere inside."""
    area = drawn(x, least, most)
    aspect = (drawn(x, -1, 1) * (-area.log()).clamp(max=math.log(longer))).exp()
    height, width = (area / aspect).sqrt(), (area * aspect).sqrt()
    return height, width, (1 - height) * drawn(x, 0, 1), (1 - width) * drawn(x, 0, 1)


def crop_mat(x, share) -> torch.Tensor:
    "(n, 3, 3): a random part of each image, of at least this share of its area, becomes the whole."
    height, width, top, left = rectangles(x, share, 1, CROPPED)
    none = torch.zeros_like(width)
    return affine_mat(width, none, 2 * left + width - 1, none, height, 2 * top + height - 1)


class GreyLevels(RandTransform):
    "What changes grey levels: images, not masks; `most` is the field of the experiment."
    def __init__(self, most):
        super().__init__(p=1.)
        self.most = most

    def encodes(self, x:TensorImage): return TensorImage(self.changed(x.as_subclass(torch.Tensor)))


class Gamma(GreyLevels):
    "Grey levels to a power from 1/(1 + most) to 1 + most, even on a log scale."
    order = 41  # fastai's Brightness and Contrast: 40
    def changed(self, x): return x ** drawn(x, -1, 1).mul(math.log1p(self.most)).exp()[:, None, None, None]


class Erase(GreyLevels):
    "With probability `most` a rectangle becomes the mean of its image (random erasing, Zhong et al. 2020)."
    order = 42
    def changed(self, x):
        height, width, top, left = (o[:, None] for o in rectangles(x, *ERASED))
        y, across = ((torch.arange(o, device=x.device) + .5) / o for o in x.shape[-2:])
        rows = (y >= top) & (y < top + height) & (drawn(x, 0, 1) < self.most)[:, None]
        columns = (across >= left) & (across < left + width)
        return torch.where((rows[:, :, None] & columns[:, None])[:, None], x.mean((1, 2, 3), keepdim=True), x)
