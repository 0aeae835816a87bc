import numpy as np
import pytest

from pneumo_fastai.explain.maps import Maps
from pneumo_fastai.page.answer import answer
from pneumo_fastai.page.heat import OWN, heat, scored, trust


@pytest.fixture
def image(subject, raw): return answer(subject.model, 'a', raw).image


def test_without_scored_maps_the_hottest_place_of_the_image_is_the_hottest_colour(subject, image):
    found = heat(subject, image)
    assert found.map.shape == (32, 32) and found.map.max() == pytest.approx(1, abs=.02) and found.map.min() >= 0
    assert found.chosen == OWN and not found.scored and scored(subject.folder) is None


def test_the_map_of_an_image_of_the_run_is_that_of_its_gradcam_npz(explained):
    maps = Maps.load(explained.folder/'gradcam.npz')
    path = maps.paths[0]
    found = heat(explained, explained.bundle.pixels(path), *explained.own_maps[:2])
    np.testing.assert_allclose(found.map, next(maps.shown([path])), atol=1e-4)
    assert found.scored and found.chosen != OWN and found.scale == maps.scale
    (explained.folder/'gradcam.npz').unlink()
    explained.recipe['heat'] = dict(layers=maps.layers, method=maps.method, mirror=False, tops=maps.tops)  # a model that left its run
    alone = heat(explained, explained.bundle.pixels(path))
    assert alone.scale == maps.scale and alone.chosen != OWN and not alone.scored
    other = heat(explained, explained.bundle.pixels(path), None, 'layercam')
    assert not other.scored and other.chosen == OWN


def test_trust_says_what_was_measured_and_of_which_map(explained, subject):
    said = ' '.join(trust(explained))
    assert 'The maps point into a box in' in said or 'survive' in said or 'random weights' in said
    assert 'nothing is known' not in said and 'nothing is known' in ' '.join(trust(explained, scored=False))
    assert 'python -m pneumo_fastai.gradcam RUN scores them' in trust(subject, scored=False)[0] and len(trust(subject, False)) == 1
    subject.run = None
    assert 'not measured' in trust(subject)[0]


def test_a_blank_image_has_a_map_all_the_same(subject):
    assert np.isfinite(heat(subject, np.zeros((32, 32), np.uint8)).map).all()
