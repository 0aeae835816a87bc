import random
from dataclasses import replace

import torch
import torch.nn.functional as F
from fastai.torch_core import TensorImage
from fastai.vision.augment import AffineCoordTfm, PadMode

from pneumo_fastai.training.augment import affine_grid, augmentations
from pneumo_fastai.training.batches import XRay
from pneumo_fastai.training.loaders import get_dls


def test_the_grid_is_pytorchs(tiny):
    mat = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(affine_grid(mat, (30, 41)), F.affine_grid(mat, (5, 1, 30, 41), align_corners=True), atol=1e-6, rtol=1e-6)


def test_resampling_gives_fastais_numbers_and_draws(tiny):
    ours = augmentations(replace(tiny, flip=.5, rotate=20., crop=.8))[0]
    fastais = AffineCoordTfm(ours.aff_fs, pad_mode=PadMode.Zeros, align_corners=True)
    x, results = XRay(torch.rand(16, 1, 40, 40)), []
    for tfm in (ours, fastais):
        random.seed(1)
        torch.manual_seed(1)
        results.append(tfm((x, torch.zeros(16)), split_idx=0)[0].as_subclass(torch.Tensor))
    torch.testing.assert_close(*results, atol=1e-5, rtol=0)
    assert (results[0] - x.as_subclass(torch.Tensor)).abs().max() > .1


def test_validation_is_not_resampled(tiny, cohort):
    ours = augmentations(replace(tiny, rotate=20.))[0]
    x = TensorImage(torch.rand(2, 1, 8, 8))
    assert ours((x,), split_idx=1)[0] is x
    plain, strong = (get_dls(replace(tiny, rotate=r), cohort).valid.one_batch()[0] for r in (0., 20.))
    assert torch.equal(plain.as_subclass(torch.Tensor), strong.as_subclass(torch.Tensor))
