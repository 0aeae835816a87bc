from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from fastai.vision.augment import Brightness, Contrast, Flip, Rotate
from matplotlib import pyplot as plt

from pneumo_fastai.data.cohort import CLASSES
from pneumo_fastai.data.counts import prevalence_weights
from pneumo_fastai.training.loaders import LoadXRay, XRay, balanced, get_dls, normalised_by, split_dl


def raw(cohort, split): return np.stack([cohort.pixels[p] for p in cohort.table.path[cohort.table.split == split]])


def test_a_batch_is_normalised_single_channel_xrays(tiny, cohort):
    dls = get_dls(tiny, cohort)
    x, y = dls.train.one_batch()
    assert type(x) is XRay and x.shape == (16, 1, 32, 32) and x.dtype == torch.float32 and set(y.tolist()) <= {0, 1}
    assert list(dls.vocab) == list(CLASSES)


def test_normalisation_is_the_training_splits_own(tiny, cohort):
    train = raw(cohort, 'train') / 255
    x = torch.cat([b[0] for b in split_dl(get_dls(tiny, cohort), 'valid')]).as_subclass(torch.Tensor)
    want = (raw(cohort, 'valid') / 255 - train.mean()) / train.std()
    np.testing.assert_allclose(x[:, 0].numpy(), want, atol=1e-4)


def test_each_image_has_its_own_label_and_the_loaders_hold_their_split(tiny, cohort):
    dls = get_dls(tiny, cohort)
    for split in ('train', 'valid', 'test'):
        labels = torch.cat([b[1] for b in split_dl(dls, split)]).tolist()
        assert labels == cohort.table.label[cohort.table.split == split].tolist()
    assert set(dls.train.items.path) == set(cohort.table.path[cohort.table.split == 'train'])
    assert set(dls.valid.items.path) == set(cohort.table.path[cohort.table.split == 'valid'])


def test_augmentation_is_for_training_only_and_what_the_recipe_says(tiny, cohort):
    assert not any(isinstance(t, (Flip, Rotate, Brightness, Contrast)) for t in get_dls(tiny, cohort).after_batch.fs)
    strong = replace(tiny, flip=0.5, rotate=30., brightness=0.3, contrast=0.3)
    plain, dls = get_dls(tiny, cohort), get_dls(strong, cohort)
    for a, b in zip(split_dl(plain, 'valid'), split_dl(dls, 'valid'), strict=True): torch.testing.assert_close(a[0], b[0])
    torch.testing.assert_close(plain.valid.one_batch()[0], dls.valid.one_batch()[0])
    x = dls.train.before_batch(dls.train.create_batch([dls.train_ds[0]] * 16))
    y = dls.after_batch(x)[0]
    assert len({tuple(o.flatten().tolist()) for o in y}) == 16  # every image draws its own


def test_a_flip_flips(tiny, cohort):
    dls = get_dls(replace(tiny, flip=1.), cohort)
    batch = dls.train.create_batch([dls.train_ds[i] for i in range(4)])
    mean, std = dls.after_batch.normalize.mean, dls.after_batch.normalize.std
    want = (torch.stack([dls.train_ds[i][0] for i in range(4)]).as_subclass(torch.Tensor).float() / 255 - mean) / std
    got = dls.after_batch(batch)[0].as_subclass(torch.Tensor)
    torch.testing.assert_close(got, want.flip(-1).as_subclass(torch.Tensor), atol=1e-3, rtol=0)


def test_a_file_outside_the_cache_is_decoded_by_the_same_function(tiny, cohort):
    path = cohort.table.path[0]
    cached, fresh = LoadXRay((32,), cohort.pixels)(path), LoadXRay((32,))(path)
    assert type(fresh) is XRay and fresh.shape == (1, 32, 32) and fresh.dtype == torch.uint8
    assert torch.equal(cached.as_subclass(torch.Tensor), fresh.as_subclass(torch.Tensor))


def test_show_batch_draws_grey_films_with_their_class_as_title(tiny, cohort):
    get_dls(tiny, cohort).show_batch(max_n=4)
    axes = [ax for ax in plt.gcf().axes if ax.images]
    assert len(axes) == 4 and {ax.get_title() for ax in axes} <= set(CLASSES)
    assert all(ax.images[0].get_cmap().name == 'gray' and ax.images[0].get_array().ndim == 2 for ax in axes)
    plt.close('all')


def test_a_crop_lies_within_the_film_and_differs_from_image_to_image(tiny, cohort):
    dls = get_dls(replace(tiny, crop=0.5), cohort)
    white = XRay(torch.full((1, 32, 32), 255, dtype=torch.uint8))
    x = dls.after_batch(dls.train.create_batch([(white, dls.train_ds[0][1])] * 8))[0]
    assert x.max() - x.min() < 1e-4  # nothing from beyond the edge
    ramp = XRay(torch.arange(32, dtype=torch.uint8).expand(1, 32, 32) * 8)
    x = dls.after_batch(dls.train.create_batch([(ramp, dls.train_ds[0][1])] * 64))[0].as_subclass(torch.Tensor)
    share = (x.amax((1, 2, 3)) - x.amin((1, 2, 3))) / (248 / 255 / dls.after_batch.normalize.std.item())
    assert share.min() >= 0.49 and share.max() <= 1.01 and share.std() > 0.05


def test_shuffled_labels_are_those_of_training_in_another_order(tiny, cohort):
    plain, shuffled = get_dls(tiny, cohort), get_dls(replace(tiny, shuffle_labels=True), cohort)
    a, b = (d.train.items.label.to_numpy() for d in (plain, shuffled))
    assert (a != b).any() and a.sum() == b.sum() and (plain.valid.items.label == shuffled.valid.items.label).all()


def test_oversampling_makes_each_view_and_class_as_frequent_and_leaves_valid_alone():
    views = np.array(['AP'] * 50 + ['PA'] * 30 + [None] * 20, dtype=object)
    n = np.arange(100)
    rows = pd.DataFrame(dict(path=n.astype(str), view=views, label=n % 3 == 0, is_valid=n % 10 == 0))
    got = balanced(rows, ['view', 'label'], 0)
    train = got[~got.is_valid].fillna('not stated')
    counts = train.groupby(['view', 'label']).size()
    assert len(counts) == 6 and counts.nunique() == 1 and counts.iloc[0] == 30
    assert set(train.path) == set(rows.path[~rows.is_valid])
    assert got[got.is_valid].path.tolist() == rows.path[rows.is_valid].tolist()


def test_an_oversampled_epoch_is_longer(tiny, cohort):
    plain, more = get_dls(tiny, cohort), get_dls(replace(tiny, oversample='view'), cohort)
    labels = more.train.items.label
    assert len(labels) > len(plain.train.items) and labels.mean() == .5 and len(more.valid.items) == len(plain.valid.items)


def test_images_of_the_rarer_class_are_drawn_as_often_as_those_of_the_other_each_alike():
    n = np.arange(50)
    rows = pd.DataFrame(dict(path=n.astype(str), label=n >= 40, is_valid=n % 10 == 0))
    times = np.zeros(50)
    for seed in range(300):
        train = balanced(rows, ['label'], seed).query('not is_valid')
        assert (train.label == 0).sum() == (train.label == 1).sum() == 36
        times += train.path.value_counts().reindex(rows.path, fill_value=0).to_numpy()
    expected = np.where(rows.is_valid, 0, np.where(rows.label, 36/9, 1))
    np.testing.assert_allclose(times/300, expected, atol=.5)  # 27 draws of one in nine: sd 1.63 of a seed, 0.09 of their mean
    assert (times[:40] == 300 * expected[:40]).all()


def test_oversampling_by_class_is_seeded_and_draws_from_no_global_state(tiny, cohort):
    e = replace(tiny, oversample='class')
    first, again, other = (get_dls(o, cohort).train.items.path.tolist() for o in (e, e, replace(e, seed=1)))
    assert first == again != other and sorted(set(first)) == sorted(set(other))
    rows, before = get_dls(tiny, cohort).train.items.assign(is_valid=False), np.random.get_state()[1].tolist()
    balanced(rows, ['label'], 0)
    assert np.random.get_state()[1].tolist() == before


def test_what_calibration_is_told_is_how_the_classes_were_drawn(tiny, cohort):
    train = cohort.table[cohort.table.split == 'train']
    for oversample in ('class', 'view'):
        e = replace(tiny, oversample=oversample)
        drawn, weights = get_dls(e, cohort).train.items.label.mean(), prevalence_weights(e, train)
        assert weights[1]/weights[0] == pytest.approx(drawn/(1 - drawn) * (1 - train.label.mean())/train.label.mean())


def test_what_a_fraction_leaves_out_is_in_no_loader_and_decides_no_normalisation(tiny, cohort):
    whole, dls = get_dls(tiny, cohort), get_dls(replace(tiny, fraction=.5), cohort)
    table = dls.cohort.table
    train = set(table.path[table.split == 'train'])
    assert set(dls.train.items.path) == train < set(whole.train.items.path)
    assert dls.valid.items.path.tolist() == whole.valid.items.path.tolist()
    assert split_dl(dls, 'test').items.path.tolist() == split_dl(whole, 'test').items.path.tolist()
    seen = np.stack([cohort.pixels[p] for p in train])/255
    np.testing.assert_allclose(normalised_by(dls), (seen.mean(), seen.std()), rtol=1e-5)
