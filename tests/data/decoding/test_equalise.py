from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageOps

from pneumo_fastai.data.decoding import equalise
from pneumo_fastai.data.decoding.dicom import read_square, square
from pneumo_fastai.data.decoding.equalise import SPREAD, clahe, equalised, standardised
from pneumo_fastai.experiment import GREYS


def smooth(shape, seed=0, levels=200):
    "Something like a radiograph: coarse and fine structure."
    rng = np.random.default_rng(seed)
    x = sum(np.asarray(Image.fromarray(rng.random((k, k), np.float32)).resize(shape[::-1], Image.Resampling.BICUBIC)) for k in (3, 9, 60))
    return np.round((x - x.min()) / np.ptp(x) * levels).astype(np.uint8)


def test_there_is_one_for_each_that_a_recipe_may_name(): assert tuple(SPREAD) == GREYS


@pytest.mark.parametrize('shape', [(512, 512), (600, 480)])
def test_equalised_is_what_three_libraries_make(shape):
    x = smooth(shape)
    exposure = pytest.importorskip('skimage.exposure', reason='scikit-image is not installed')
    share = exposure.equalize_hist(x, nbins=256)  # it counts the darkest too
    np.testing.assert_allclose(equalised(x), (share - share.min()) / (1 - share.min()) * 255, atol=.501)  # a rounding
    mirrored = 255 - np.asarray(ImageOps.equalize(Image.fromarray(255 - x))).astype(int)  # which leaves out the brightest
    np.testing.assert_allclose(equalised(x), mirrored, atol=2)  # Pillow rounds the pixels a level
    cv2 = pytest.importorskip('cv2', reason='OpenCV is not installed')
    np.testing.assert_array_equal(equalised(x), cv2.equalizeHist(x))


@pytest.mark.parametrize('change', [lambda x: x + 30, lambda x: x // 2 * 2 + 1, lambda x: np.interp(x, [0, 80, 200], [10, 50, 250])],
                         ids=['lighter', 'odd levels', 'another contrast, dark and bright'])
def test_another_exposure_changes_nothing_in_it(change):
    x = smooth((120, 90)) // 2 * 2  # so that no two levels become one
    other = np.round(change(x.astype(float))).astype(np.uint8)
    assert (other != x).any()
    np.testing.assert_array_equal(equalised(other), equalised(x))


def test_an_image_of_one_grey_stays_and_of_two_becomes_black_and_white():
    one = np.full((20, 30), 77, np.uint8)
    assert (equalised(one) == 77).all() and np.ptp(clahe(one)) == 0
    one[:, 3:] = 78
    assert set(equalised(one).ravel()) == {0, 255} and np.ptp(clahe(one).astype(int)) <= 5  # noise is not made a picture


def test_standardised_is_zero_mean_and_unit_variance_on_the_scale_of_grey_levels():
    x = np.random.default_rng(0).integers(20, 140, (200, 160), dtype=np.uint8)
    found = standardised(x).astype(float)
    assert 0 < found.min() and found.max() < 255  # nothing is cut off
    assert (found.mean(), found.std()) == (pytest.approx(127.5, abs=.1), pytest.approx(51, abs=.1))
    np.testing.assert_allclose((found - 127.5)/51, (x - x.mean())/x.std(), atol=.5/51 + 1e-5)


@pytest.mark.parametrize('light, contrast', [(40, 1), (-10, 2), (200, -1)])
def test_light_and_contrast_change_nothing_in_what_is_standardised_but_a_negative_is_one(light, contrast):
    x = smooth((120, 90), levels=100) + 20
    other = (contrast*x.astype(int) + light).astype(np.uint8)
    found, was = standardised(other).astype(int), standardised(x).astype(int)
    assert abs(found - (was if contrast > 0 else 255 - was)).max() <= 1


def test_what_lies_far_from_the_rest_is_cut_off_and_one_grey_stays():
    x = np.full((50, 50), 100, np.uint8)
    assert (standardised(x) == 100).all()
    x[0, :2] = 0, 200
    found = standardised(x)
    assert (found[0, 0], found[0, 1], found[1, 1]) == (0, 255, 128)


def literally(x, y, u):
    "CLAHE of the pixel in row y and column u, by its definition."
    edges = [np.searchsorted(np.arange(n) * 8 // n, np.arange(9)) for n in x.shape]
    def mapped(i, j):
        tile = x[edges[0][i]:edges[0][i + 1], edges[1][j]:edges[1][j + 1]]
        counts = [int((tile == level).sum()) for level in range(256)]
        limit = tile.size / 100
        spare = sum(max(0, c - limit) for c in counts) / 256
        return 255 / tile.size * sum(min(c, limit) + spare for c in counts[:x[y, u] + 1])
    def near(at, e):
        middle = [(a + b - 1) / 2 for a, b in pairwise(e)]
        after = next((i for i, m in enumerate(middle) if m > at), 8)
        if after in (0, 8): return [(min(after, 7), 1.)]
        share = (at - middle[after - 1]) / (middle[after] - middle[after - 1])
        return [(after - 1, 1 - share), (after, share)]
    return sum(a * b * mapped(i, j) for i, a in near(y, edges[0]) for j, b in near(u, edges[1]))


@pytest.mark.parametrize('shape', [(64, 64), (93, 71)])
def test_clahe_is_its_definition(shape):
    x, rng = smooth(shape), np.random.default_rng(1)
    found = clahe(x)
    corners = [(0, 0), (0, shape[1] - 1), (shape[0] - 1, shape[1] - 1)]
    for y, u in [*corners, *zip(rng.integers(0, shape[0], 30), rng.integers(0, shape[1], 30), strict=True)]:
        assert found[y, u] == pytest.approx(literally(x, y, u), abs=.501)


def test_clahe_is_nearly_what_other_libraries_make(monkeypatch):
    "They place the centres half a pixel elsewhere; of what is clipped, OpenCV gives the rest to the darkest; scikit-image has 252 levels."
    cv2 = pytest.importorskip('cv2', reason='OpenCV is not installed')
    exposure = pytest.importorskip('skimage.exposure', reason='scikit-image is not installed')
    x = smooth((256, 256), levels=255)
    def off(other): return np.abs(clahe(x) - np.asarray(other, float))
    assert off(cv2.createCLAHE(2.56, (8, 8)).apply(x)).mean() < 6
    monkeypatch.setattr(equalise, 'CLIP', 1)  # nothing is clipped
    unlimited = off(cv2.createCLAHE(0, (8, 8)).apply(x))
    assert unlimited.mean() < 3 and unlimited.max() < 16
    assert off(255 * exposure.equalize_adapthist(x, kernel_size=32, clip_limit=0)).mean() < 4


@pytest.mark.parametrize('shape', [(1, 1), (1, 32), (5, 40), (32, 9)])
def test_the_thinnest_content_is_spread_too(shape):
    for f in (equalised, clahe, standardised): assert f(smooth((64, 64))[:shape[0], :shape[1]]).shape == shape


@pytest.mark.parametrize('grey', ['standardised', 'equalised', 'clahe'])
@pytest.mark.parametrize('tall', [1, 1.5])
def test_the_padding_of_a_square_counts_for_nothing_and_stays_black(grey, tall):
    x = smooth((200, 100)) + 40
    whole = square(x, 64, tall=tall, grey=grey)
    rows, columns = np.nonzero(square(x, 64, tall=tall))
    inside = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    np.testing.assert_array_equal(whole[inside], SPREAD[grey](square(x, 64, tall=tall)[inside]))
    outside = np.ones((64, 64), bool)
    outside[inside] = False
    assert outside.any() and not whole[outside].any()


@pytest.mark.parametrize('aspect', ['pad', 'inner', 'crop', 'stretch'])
def test_a_file_is_read_as_its_square_is_made(saved, aspect):
    path = saved(smooth((90, 60)))
    small = read_square(path, 48, aspect)[0]
    np.testing.assert_array_equal(read_square(path, 48, aspect, grey='windowed')[0], small)
    for grey in ('standardised', 'equalised', 'clahe'):
        found, film = read_square(path, 48, aspect, grey=grey)
        assert (found != small).any() and (film.height, film.width) == (90, 60)
        if aspect in ('crop', 'stretch'): np.testing.assert_array_equal(found, SPREAD[grey](small))
