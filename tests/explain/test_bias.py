import numpy as np

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
    found = shares([image, image], [even, np.zeros((64, 64))])
    assert all(abs(s['heat'] - s['area']) < 1e-12 for s in found.values())
    corner = np.zeros((64, 64))
    corner[2:6, 2:6] = 1
    found = shares([image], [corner])
    assert found['top corners']['heat'] == 1 and found['outside the body']['heat'] == 1 and found['left half of the image']['heat'] == 1
    assert 0 < found['border']['heat'] < 1 and regions(image)['border'][:4].all()
