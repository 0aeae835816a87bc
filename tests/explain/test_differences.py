import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.explain.differences import MASK, SIDE, Differences, places
from pneumo_fastai.explain.localization import pointing

N, SIZE = 200, 64


def radiographs(seed, n=N):
    "Two dark lungs with noise, exposures apart; the ill have a lighter patch in one of them. Images, labels, where the patch is."
    rng = np.random.default_rng(seed)
    images = np.full((n, SIZE, SIZE), 150.) + rng.normal(0, 15, (n, 1, 1))
    images[:, 12:56, 6:28] -= 80
    images[:, 12:56, 36:58] -= 80
    labels, patch = np.arange(n) % 2, np.zeros((n, SIZE, SIZE), bool)
    for i in np.flatnonzero(labels):
        top, left = rng.integers(14, 40), rng.choice([8, 38])
        patch[i, top:top + 14, left:left + 14] = True
    images = np.clip(images + 40*patch + rng.normal(0, 8, images.shape), 0, 255).astype(np.uint8)
    return images, labels, patch


@pytest.fixture(scope='module')
def learnt():
    images, labels, _ = radiographs(0)
    return Differences(places(images), labels, ['AP', 'AP', 'PA', 'PA'] * (N//4))


def test_the_hottest_place_of_new_images_is_in_their_patch(learnt):
    images, labels, patch = radiographs(1)
    ill = labels == 1
    patch = patch[ill].reshape(ill.sum(), SIDE, SIZE//SIDE, SIDE, SIZE//SIDE).any((2, 4))
    heat = learnt.maps(images[ill])
    assert heat.shape == (ill.sum(), SIDE, SIDE) and heat.dtype == np.float32
    assert (heat.max((1, 2)) == 1).all() and heat.min() >= 0
    found = np.mean([pointing(h, p) for h, p in zip(heat, patch, strict=True)])
    blind = np.mean([pointing(learnt.where, p) for p in patch])
    assert found > .9 and .6 > blind > patch.mean()  # the usual place alone is a lung, and half of the time the wrong one
    masks = learnt.masks(images[ill])
    assert masks.mean((1, 2)) == pytest.approx(MASK, abs=.01) and (masks & patch).sum() > .6*patch.sum()


def test_what_tells_views_apart_and_not_the_ill_counts_for_nothing():
    "A mark in the corner of one view, in which most are ill: over all images the classes differ there most of all."
    images, labels, _ = radiographs(2)
    rng = np.random.default_rng(3)
    views = np.where(rng.random(N) < np.where(labels, .9, .1), 'AP', 'PA')
    images[views == 'AP', :6, :6] = 250
    seen = places(images)
    by_view, over_all = (Differences(seen, labels, v).where[:2, :2].max() for v in (views, ['']*N))
    assert by_view < .3 and over_all > .8


def test_a_view_of_two_images_does_not_outweigh_the_rest(learnt):
    images, labels, _ = radiographs(0)
    few = Differences(places(images), labels, ['', *['AP'] * (N - 2), ''])
    np.testing.assert_allclose(few.where, learnt.where, atol=.3)


def test_images_of_one_grey_and_a_class_in_each_view_give_numbers():
    images = np.full((8, SIZE, SIZE), 90, np.uint8)
    found = Differences(places(images), [0, 1]*4, ['PA', 'AP']*4)
    assert np.isfinite(found.maps(images)).all()


def test_it_learns_from_a_table():
    images, labels, _ = radiographs(4)
    paths = [f'{i}.png' for i in range(N)]
    table = pd.DataFrame(dict(path=paths, label=labels, view=[None, 'PA']*(N//2)))
    table['view'] = table['view'].where(table.index % 4 < 2)
    found = Differences.of(dict(zip(paths, images, strict=True)), table)
    np.testing.assert_allclose(found.where, Differences(places(images), labels, table['view'].fillna('')).where)


def test_maps_at_the_size_of_the_images_are_hottest_at_the_same_place(learnt):
    images, *_ = radiographs(5, 4)
    for small, large in zip(learnt.maps(images), learnt.each(images, SIZE), strict=True):
        assert large.shape == (SIZE, SIZE) and large.max() <= 1
        at = np.array(np.unravel_index(large.argmax(), large.shape)) * SIDE / SIZE
        assert abs(at - np.unravel_index(small.argmax(), small.shape)).max() <= 1


def test_where_hardly_a_place_is_lighter_no_more_is_masked(learnt):
    few = Differences(*few_places())
    masks = few.masks(np.full((2, SIZE, SIZE), 90, np.uint8))
    assert masks.mean() < MASK/2


def few_places():
    "The ill are darker everywhere but in one corner."
    images, labels, _ = radiographs(5)
    images = images - 30*labels[:, None, None].astype(np.uint8).clip(0, 1)
    images[labels == 1, :SIZE//8, :SIZE//8] += 60
    return places(images), labels, ['']*N
