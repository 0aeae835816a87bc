"On the real films: none of them is unlike the others, and what nobody would call a radiograph is."
import numpy as np
import pytest

from pneumo_fastai.data.cache import open_pixels
from pneumo_fastai.data.likeness import grey_range, limits, unlike


@pytest.fixture(scope='module')
def films_seen(shared, tmp_path_factory):
    return open_pixels(sorted((shared/'rsna-16'/'stage_2_train_images').iterdir()), 224, folder=tmp_path_factory.mktemp('cache'))


def test_the_films_are_like_each_other(films_seen):
    usual = grey_range(films_seen, films_seen.paths)
    assert [unlike(films_seen[p], usual) for p in films_seen.paths] == [None] * 16
    means, sds = zip(*((films_seen[p].mean(), films_seen[p].std()) for p in films_seen.paths), strict=True)
    np.testing.assert_allclose(usual['mean'], [min(means), max(means)], atol=1)
    np.testing.assert_allclose(usual['standard deviation'], [min(sds), max(sds)], atol=1)


def test_a_film_of_the_sort_that_was_not_seen_is_no_warning(films_seen):
    "Each against the range of the fifteen others; one of them is by far the darkest."
    alone = [unlike(films_seen[p], grey_range(films_seen, [o for o in films_seen.paths if o != p])) for p in films_seen.paths]
    assert sum(o is not None for o in alone) <= 1


@pytest.mark.parametrize('change', [
    lambda x: x * 0, lambda x: x * 0 + 255, lambda x: x * 0 + 120, lambda x: x // 17, lambda x: 255 - x // 17, lambda x: x // 16 + 120],
    ids=['black', 'white', 'one grey', 'nearly black', 'nearly white', 'nearly one grey'])
def test_what_is_blank_or_nearly_is_unlike_them(films_seen, change):
    usual = grey_range(films_seen, films_seen.paths)
    for p in films_seen.paths:
        said = unlike(change(films_seen[p]), usual)
        assert said.startswith('grey levels unlike those of training: ') and 'standard deviation' in said


def test_a_blank_image_is_unlike_training_images_that_are_blank_too():
    assert 'expected 1.0 to' in unlike(np.zeros((8, 8), np.uint8), {'mean': [0, 200], 'standard deviation': [0, 70]})


def test_the_margin_and_its_ends():
    usual = {'mean': [20., 220.], 'standard deviation': [30., 70.]}
    assert limits('mean', usual) == (0, 255) and limits('standard deviation', usual) == (20, 80)
    half = np.repeat(np.array([100, 140], np.uint8), 32).reshape(8, 8)  # standard deviation 20
    assert unlike(half, usual) is None and unlike(half // 10 * 9, usual) == (
        'grey levels unlike those of training: standard deviation 18.0, expected 20.0 to 80.0')
    assert unlike(half * 0, None) is None  # of a model that was exported before
