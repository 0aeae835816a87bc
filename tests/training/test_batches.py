import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from fastai.data.core import TfmdDL
from fastai.learner import load_learner
from fastai.vision.augment import RandTransform

from pneumo_fastai.errors import InputError
from pneumo_fastai.training import batches
from pneumo_fastai.training.batches import BatchDL, LoadXRay, XRay, interleaved
from pneumo_fastai.training.learner import get_learner
from pneumo_fastai.training.loaders import get_dls, split_dl, xray_block


@pytest.fixture
def gathered(monkeypatch):
    "The sizes of the batches that were read at once."
    sizes, real = [], batches.on_device
    monkeypatch.setattr(batches, 'on_device', lambda load, rows, device: sizes.append(len(rows)) or real(load, rows, device))
    return sizes


def same(a, b):
    for x, y in zip(a, b, strict=True):
        assert type(x) is type(y) and x.dtype == y.dtype and torch.equal(x.as_subclass(torch.Tensor), y.as_subclass(torch.Tensor))


def test_a_gathered_batch_is_bit_for_bit_the_one_made_item_by_item(tiny, cohort, gathered):
    dls = get_dls(replace(tiny, flip=.5, rotate=10., brightness=.2, contrast=.2), cohort)
    idxs = [5, 0, 2, 5, 3]
    for dl in (dls.train, dls.valid, split_dl(dls, 'test'), dls.test_dl(list(cohort.table.path[:20]))):
        same(dl.gather(idxs), dl.do_batch([dl.do_item(i) for i in idxs]))
    assert gathered == [5] * 4
    each = [(dl, dl.new(cls=TfmdDL)) for dl in (dls.train, dls.valid)]
    for fast, slow in each:
        slow.rng.setstate(fast.rng.getstate())
        state = torch.get_rng_state()
        seen = list(fast)
        torch.set_rng_state(state)
        for a, b in zip(seen, slow, strict=True): same(a, b)
        assert len(seen) == len(fast)


def test_an_item_transform_of_ones_own_is_kept_and_the_slower_path_announced(tiny, cohort, gathered):
    class Invert(RandTransform):
        split_idx = None
        def encodes(self, x:XRay): return 255 - x

    rows = cohort.table.assign(is_valid=cohort.table.split != 'train')
    block = xray_block(tiny, cohort.pixels, (0., 1.)).new(item_tfms=Invert())
    block.batch_tfms = block.batch_tfms[:1]
    with pytest.warns(UserWarning, match='image by image, which is slower: the item transform Invert'):
        x = block.dataloaders(rows, bs=8, num_workers=0).valid.one_batch()[0]
    want = 1 - np.stack([cohort.pixels[p] for p in rows.path[rows.is_valid][:8]]) / 255
    np.testing.assert_allclose(x[:, 0].numpy(), want, atol=1e-6)
    assert not gathered


def test_a_subclass_with_its_own_order_is_gathered_and_one_with_its_own_items_is_not(tiny, cohort, gathered):
    class First(BatchDL):
        def get_idxs(self): return [0] * 8

    class Own(BatchDL):
        def create_item(self, s): return super().create_item(0)

    train = get_dls(tiny, cohort).train
    a = train.new(cls=First, bs=8).one_batch()
    assert gathered == [8]
    with pytest.warns(UserWarning, match='its own create_item'): b = train.new(cls=Own, bs=8).one_batch()
    same(a, b)


def test_files_outside_the_cache_are_decoded_and_an_exported_learner_predicts_alike(tiny, cohort, films, tmp_path):
    learn = get_learner(tiny, get_dls(tiny, cohort), path=tmp_path)
    path = cohort.table.path[3]
    with learn.no_bar():
        want = learn.predict(path)[2]
        learn.export('learner.pkl')
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # fastai's, on pickles
            alone = load_learner(tmp_path/'learner.pkl')
        with alone.no_bar(): torch.testing.assert_close(alone.predict(path)[2], want)
        dl = alone.dls.test_dl([path, cohort.table.path[4]])
        assert dl.one_batch()[0].shape == (2, 1, 32, 32)


def test_workers_give_the_same_batches(tiny, cohort):
    dl = get_dls(tiny, cohort).valid
    for a, b in zip(dl, dl.new(num_workers=2), strict=True): same(a, b)


def test_the_whole_set_lies_on_the_device_where_it_fits_and_not_where_it_does_not(tiny, cohort, monkeypatch):
    need, cpu = cohort.pixels.array.nbytes, torch.device('cpu')
    monkeypatch.setattr(batches, 'CHUNK', 7)
    for free, fits in ((2 * need, True), (2 * need - 1, False)):
        monkeypatch.setattr(torch.cuda, 'mem_get_info', lambda device, free=free: (free, 10 * free))
        held = batches.resident(LoadXRay((32,), cohort.pixels), cpu)
        assert (held is not None) == fits
        if fits: np.testing.assert_array_equal(held.numpy(), cohort.pixels.array)


@pytest.mark.parametrize('n', [1, 2, 7, 12, 13, 24])
@pytest.mark.parametrize('of', [1, 2, 3, 4])
def test_parts_have_every_item_once_and_come_together_in_order(tiny, cohort, n, of):
    dl = get_dls(replace(tiny, batch_size=12), cohort).valid
    def had(which):
        dl.part = which, of
        return [i for some in dl.parts(range(n)) for i in some]
    parts = [torch.tensor(o) if (o := had(which)) else None for which in range(of)]
    assert interleaved(parts).tolist() == list(range(n))


def test_the_parts_of_a_training_batch_are_equal_and_of_the_same_order(tiny, cohort):
    dl = get_dls(tiny, cohort).train
    state = dl.rng.getstate()
    def labels(which, of, begin=None):
        dl.rng.setstate(state)
        dl.part, dl.begin = (which, of), begin
        return [y.as_subclass(torch.Tensor) for _, y in dl]
    whole, a, b, rest = labels(0, 1), labels(0, 2), labels(1, 2), labels(1, 2, (2, lambda: None))
    assert len(whole) == len(a) == len(b) == len(dl) == len(rest) + 2 and {len(y) for y in (*a, *b)} == {8}
    assert all(torch.equal(torch.stack(two, 1).flatten(), y) for y, *two in zip(whole, a, b, strict=True))
    assert all(map(torch.equal, rest, b[2:]))


def test_a_loader_whose_items_are_made_one_by_one_has_no_parts(tiny, cohort):
    dl = get_dls(tiny, cohort).train
    dl.create_item, dl.part = dl.create_item, (0, 2)
    with pytest.raises(InputError, match='several processes cannot share'): list(dl)
