import numpy as np
import pytest
from scipy.stats import ttest_1samp

from pneumo_fastai.explain.bias import outside, regions, shares


def body(size=64):
    image = np.zeros((size, size), np.uint8)
    image[8:, 12:52] = 180
    image[30:40, 20:30] = 0  # a lung: dark, but within the body
    return image


def test_outside_is_the_dark_that_reaches_the_edge():
    mask = outside(body())
    assert mask[0, 0] and mask[60, 5] and mask[60, 60] and not mask[35, 25] and not mask[50, 30]
    assert not outside(np.full((16, 16), 200, np.uint8)).any()


def test_even_heat_has_the_share_of_the_area_and_a_marker_takes_it_all():
    image, even = body(), np.ones((64, 64))
    found = shares([image, image], [even, np.zeros((64, 64))], ['a', 'b'])
    assert all(abs(s['heat'] - s['area']) < 1e-12 for s in found.values())
    corner = np.zeros((64, 64))
    corner[2:6, 2:6] = 1
    found = shares([image], [corner], ['a'])
    assert found['top corners']['heat'] == 1 and found['outside the body']['heat'] == 1 and found['left half of the image']['heat'] == 1
    assert 0 < found['border']['heat'] < 1 and regions(image)['border'][:4].all()


def test_heat_less_area_has_an_interval_over_patients():
    rng, images = np.random.default_rng(0), [body()]*20
    heats = [rng.random((64, 64))*(1 + (np.arange(64) < 12)*rng.uniform(-.5, 1)) for _ in images]
    found, left = shares(images, heats, np.arange(20)), [h[:, :32].sum()/h.sum() - .5 for h in heats]
    expected = ttest_1samp(left, 0).confidence_interval()
    more = found['left half of the image']['more']
    assert [more[k] for k in ('value', 'low', 'high')] == pytest.approx([np.mean(left), expected.low, expected.high])
    assert shares(images, heats, ['a']*20)['border']['more']['low'] is None
