import random
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from fastai.vision.augment import AffineCoordTfm, PadMode
from scipy.stats import kstest

from pneumo_fastai.training.augment import affine_grid, augmentations, crop_mat, rectangles
from pneumo_fastai.training.batches import BoxMask, XRay
from pneumo_fastai.training.loaders import get_dls
from pneumo_fastai.training.run import augmented_split

GREY = dict(gamma=1., erase=1.)
EACH = [dict(resized_crop=.5), *({k: v} for k, v in GREY.items())]


def plain(x): return x.as_subclass(torch.Tensor)


def augmented(experiment, *batch, split_idx=0, seed=0):
    "The batch as the transforms make it, in their order, as tensors."
    torch.manual_seed(seed)
    for tfm in sorted(augmentations(experiment), key=lambda o: o.order): batch = tfm(batch, split_idx=split_idx)
    return [plain(o) for o in batch]


def noise(n=16, size=48): return XRay(torch.rand(n, 1, size, size, generator=torch.Generator().manual_seed(0)))
def grey(level, n=16, size=48): return XRay(torch.full((n, 1, size, size), level))


def test_the_grid_is_pytorchs(tiny):
    mat = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(affine_grid(mat, (30, 41)), F.affine_grid(mat, (5, 1, 30, 41), align_corners=True), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize('cut', [dict(crop=.8), dict(resized_crop=.5)])
def test_resampling_gives_fastais_numbers_and_draws(tiny, cut):
    ours = augmentations(replace(tiny, flip=.5, rotate=20., **cut))[0]
    fastais = AffineCoordTfm(ours.aff_fs, pad_mode=PadMode.Zeros, align_corners=True)
    x, results = XRay(torch.rand(16, 1, 40, 40)), []
    for tfm in (ours, fastais):
        random.seed(1)
        torch.manual_seed(1)
        results.append(plain(tfm((x, torch.zeros(16)), split_idx=0)[0]))
    torch.testing.assert_close(*results, atol=1e-5, rtol=0)
    assert (results[0] - plain(x)).abs().max() > .1


@pytest.mark.parametrize('change', EACH)
def test_validation_is_left_alone_and_each_image_of_training_has_its_own_draw(tiny, cohort, change):
    e, x = replace(tiny, **change), XRay(noise(1).repeat(16, 1, 1, 1))
    assert torch.equal(augmented(e, x, split_idx=1)[0], plain(x))
    once, again, other = (augmented(e, x, seed=seed)[0] for seed in (0, 0, 1))
    assert torch.equal(once, again) and not torch.equal(once, other)
    assert len(torch.unique(once, dim=0)) == 16
    assert once.shape == x.shape and once.dtype == torch.float32 and 0 <= once.min() <= once.max() <= 1
    one, none = (get_dls(o, cohort) for o in (e, tiny))
    assert torch.equal(*(plain(dls.valid.one_batch()[0]) for dls in (one, none)))
    assert type(one.one_batch()[0]) is XRay and not torch.equal(*(plain(dls.one_batch()[0]) for dls in (one, none)))


def test_a_part_of_known_place_becomes_the_whole(monkeypatch):
    "The lower left quarter of the width and half of the height."
    place = [torch.tensor([o]) for o in (.5, .25, .5, 0.)]
    monkeypatch.setattr('pneumo_fastai.training.augment.rectangles', lambda *_: place)
    x = torch.arange(9 * 9.).reshape(1, 1, 9, 9)
    mat = crop_mat(x, .1)
    assert mat[0].tolist() == [[.25, 0, -.75], [0, .5, .5], [0, 0, 1]]
    got = F.grid_sample(x, affine_grid(mat[:, :2], (5, 3)), align_corners=True)
    torch.testing.assert_close(got, x[:, :, 4:9, 0:3])


def test_rectangles_have_the_area_and_sides_asked_for_and_lie_inside():
    torch.manual_seed(0)
    height, width, top, left = rectangles(torch.empty(20_000), .3, .7, 4 / 3)
    area, aspect = height * width, width / height
    assert kstest((area.numpy() - .3) / .4, 'uniform').pvalue > .01
    assert aspect.min() >= .7499 and aspect.max() <= 1.3334 and abs(aspect.log().mean()) < .01
    for start, side in ((top, height), (left, width)):
        assert start.min() >= 0 and (start + side).max() <= 1.0001 and side.max() <= 1.0001
        assert kstest((start / (1 - side)).numpy(), 'uniform').pvalue > .01
    assert (torch.stack(rectangles(torch.empty(5), 1, 1, 2))[:2] == 1).all()  # the whole


def test_a_resized_crop_and_the_rest_of_the_geometry_move_masks_along_and_grey_levels_leave_them(tiny):
    x, masks = torch.zeros(32, 1, 64, 64), torch.zeros(32, 64, 64, dtype=torch.uint8)
    x[:, :, 20:45, 15:40] = 1
    masks[:, 20:45, 15:40] = 1
    moved, after = augmented(replace(tiny, flip=.5, rotate=20., resized_crop=.5), XRay(x), BoxMask(masks))
    assert ((moved[:, 0] > .5) != (after == 1)).float().mean() < .002 and len(torch.unique(after, dim=0)) == 32
    assert after.dtype == torch.uint8 and after.sum() > 1.2 * masks.sum()
    assert torch.equal(augmented(replace(tiny, **GREY), XRay(x), BoxMask(masks))[1], masks)


def test_gamma_is_a_power_whose_logarithm_is_even(tiny):
    x = augmented(replace(tiny, gamma=1.), grey(.25, n=4000, size=4))[0]
    assert torch.equal(x, x[:, :, :1, :1].expand_as(x))
    power = x[:, 0, 0, 0].log() / np.log(.25)
    assert kstest((power.log2() + 1).numpy() / 2, 'uniform').pvalue > .01
    for level in (0., 1.): assert torch.equal(augmented(replace(tiny, gamma=4.), grey(level))[0], plain(grey(level)))


def test_what_is_erased(tiny):
    "One rectangle of the image's mean, of 2 to 33% of the area, in the share of the images that was asked for."
    x, size = noise(1, 64).repeat(1500, 1, 1, 1), 64
    got, mean = augmented(replace(tiny, erase=.3), XRay(x))[0][:, 0], x.mean()
    changed = got != plain(x)[:, 0]
    assert abs(changed.any((1, 2)).float().mean() - .3) < .04   # more than three standard deviations
    for image, where in zip(got, changed, strict=True):
        if not where.any(): continue
        torch.testing.assert_close(image[where], mean.expand(int(where.sum())))
        height, width = int(where.any(1).sum()), int(where.any(0).sum())
        assert where.sum() == height * width
        assert (height + 1) * (width + 1) >= .02 * size**2 and (height - 1) * (width - 1) <= .33 * size**2
        assert .3 * (width - 1) <= height + 1 and .3 * (height - 1) <= width + 1
    assert changed.float().mean((1, 2)).max() > .25 and changed.any(0).float().mean() > .99  # large ones too, and everywhere


def test_all_at_once_in_their_order_and_repeated_by_the_seed(tiny, cohort):
    e = replace(tiny, flip=.5, rotate=10., resized_crop=.6, brightness=.2, contrast=.2, **GREY)
    names = [type(o).__name__ for o in get_dls(e, cohort).train.after_batch.fs]
    assert names == ['IntToFloatTensor', 'Resample', 'Brightness', 'Gamma', 'Erase', 'Normalize']
    one, again, other = (plain(get_dls(o, cohort).one_batch()[0]) for o in (e, e, replace(e, seed=1)))
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_copies_of_an_image_differ_under_each(tiny, cohort, small):
    from pneumo_fastai.screen import progress
    from pneumo_fastai.training.learner import get_learner
    for change in EACH:
        e = replace(tiny, **change)
        learn = get_learner(e, get_dls(e, cohort))
        with learn.no_bar(), learn.no_logging(): copies = augmented_split(learn, 'valid', 2, progress())
        assert (copies.copy_1 != copies.copy_2).mean() > .8, change


def test_one_image_is_shown_in_several_forms(tiny, cohort):
    import matplotlib.pyplot as plt
    dls = get_dls(replace(tiny, rotate=20., **GREY), cohort)
    before = dls.train.get_idxs
    dls.show_batch(unique=True, max_n=4)
    shown = [ax.images[0].get_array() for ax in plt.gcf().axes if ax.images]
    plt.close('all')
    assert len(shown) == 4 and len({o.tobytes() for o in shown}) == 4
    assert dls.train.get_idxs == before


def test_a_lighter_image_is_shown_lighter(tiny, cohort):
    import matplotlib.pyplot as plt
    dls = get_dls(replace(tiny, brightness=.5), cohort)
    batch = dls.one_batch()
    for image, scale in ((XRay(torch.tensor([[[0, 9]]], dtype=torch.uint8)), (0, 255)), (dls.decode_batch(batch)[0][0], (0, 255)),
                         (noise(1)[0], (0, 1)), (batch[0][0], (batch[0][0].min(), batch[0][0].max()))):  # the last: normalised
        assert image.show().images[0].get_clim() == scale
        plt.close('all')
