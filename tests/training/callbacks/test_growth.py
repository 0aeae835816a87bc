"Training images that grow."
from dataclasses import replace

import pytest
import torch
from fastai.callback.core import Callback

from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.training.callbacks.growth import size_at
from pneumo_fastai.training.learner import get_learner
from pneumo_fastai.training.loaders import get_dls


class Watch(Callback):
    order = -28
    def __init__(self): self.train, self.valid = [], []
    def before_batch(self): (self.train if self.training else self.valid).append((self.epoch, self.x.shape[-1]))


@pytest.mark.parametrize(('epochs', 'start', 'full', 'want'), [
    (1, 64, 224, [224]), (2, 64, 224, [64, 224]), (3, 96, 224, [96, 160, 224]),
    (9, 128, 224, [128, 128, 160, 160, 192, 192, 224, 224, 224]), (6, 100, 200, [100, 100, 128, 160, 200, 200]), (3, 224, 224, [224]*3)])
def test_sizes_grow_in_steps_of_32_over_two_thirds_of_the_epochs(epochs, start, full, want):
    assert [size_at(i, epochs, start, full) for i in range(epochs)] == want


def test_no_size_is_above_the_full_one_or_below_the_first_and_none_shrinks():
    for epochs in range(1, 40):
        for start, full in ((32, 224), (33, 64), (64, 64), (100, 2048)):
            sizes = [size_at(i, epochs, start, full) for i in range(epochs)]
            assert sizes == sorted(sizes) and sizes[-1] == full and min(sizes) >= start
            assert sizes.count(full) >= epochs/3 or start == full


@pytest.fixture
def growing(tiny, films, tmp_path):
    e = replace(tiny, size=64, size_start=32)
    learn = get_learner(e, get_dls(e, read_cohort(films), tmp_path), path=tmp_path)
    learn.remove_cb(learn.progress)
    learn.logger = lambda _: None
    return learn


def test_training_batches_grow_while_valid_is_full_and_so_is_lr_find(growing):
    seen = Watch()
    growing.fit(3, 1e-3, cbs=seen)
    assert sorted(set(seen.train)) == [(0, 32), (1, 32), (2, 64)] and {size for _, size in seen.valid} == {64}
    found = Watch()
    growing.add_cb(found)
    growing.lr_find(num_it=4, show_plot=False)
    assert {size for _, size in found.train} == {64}


def test_a_smaller_image_is_the_same_image(growing):
    "A ramp stays one, from its first place to its last, and no noise of single pixels comes through as it is."
    ramp = torch.arange(64.).expand(4, 1, 64, 64)
    growing.epoch, growing.n_epoch = 0, 3
    growing.xb, growing.yb = (ramp + 10 * torch.randn(4, 1, 64, 64, generator=torch.Generator().manual_seed(0)),), (torch.zeros(4),)
    growing.growth.before_batch()
    small, = growing.xb
    assert small.shape == (4, 1, 32, 32)
    torch.testing.assert_close(small.mean((0, 1, 2))[1:-1], torch.arange(.5, 64, 2)[1:-1], atol=4., rtol=0)
    assert (small - torch.arange(.5, 64, 2)).std() < 6
