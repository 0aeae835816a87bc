"On real radiographs: the layout of 150 says what has been done to 50 others, and lets them pass as they are."
import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from pneumo_fastai.data.cache import open_pixels
from pneumo_fastai.data.layout import SIDE, Layout, layout_of, small


@pytest.fixture(scope='module')
def radiographs(shared, tmp_path_factory):
    paths = sorted((shared/'rsna-256'/'stage_2_train_images').iterdir())[:200]
    pixels = open_pixels(paths, 112, folder=tmp_path_factory.mktemp('cache'), jobs=1)
    return layout_of(pixels, pixels.paths[:150]), [pixels[p] for p in pixels.paths[150:]]


def enlarged(image, box): return np.asarray(Image.fromarray(image).resize(image.shape, Image.Resampling.BILINEAR, [112 * o for o in box]))


@pytest.mark.parametrize('change, says, most, least', [
    (lambda x: x, 'looks|laid', .06, 0), (lambda x: x[:, ::-1], 'looks|laid', .06, 0), (lambda x: 255 - x, 'inverted', 1, .98),
    (np.rot90, 'quarter turn to the left', 1, .9), (lambda x: np.rot90(x, 3), 'quarter turn to the right', 1, .9),
    (lambda x: np.rot90(x, 2), 'upside down', 1, .9), (lambda x: enlarged(x, (0, 0, .5, 1)), 'left half', 1, .5),
    (lambda x: enlarged(x, (.5, 0, 1, .5)), 'upper right quarter', 1, .5),
    (lambda x: np.random.default_rng(0).integers(0, 255, x.shape, np.uint8), 'laid out unlike', 1, 1), (lambda x: x * 0, 'l', 0, 0)],
    ids=['as it is', 'mirrored', 'inverted', 'left', 'right', 'upside down', 'one lung', 'a quarter', 'noise', 'blank'])
def test_what_was_done_to_a_radiograph_is_said(radiographs, change, says, most, least):
    usual, images = radiographs
    said = Counter((Layout(usual)(np.ascontiguousarray(change(image))) or '') for image in images)
    share = sum(n for text, n in said.items() if any(word in text for word in says.split('|'))) / len(images)
    assert least <= share <= most, said


def test_it_is_small_and_json_and_images_without_a_common_layout_have_none(radiographs, tmp_path):
    usual = radiographs[0]
    assert json.loads(json.dumps(usual)) == usual and np.shape(usual['image']) == (SIDE, SIDE)
    for i, x in enumerate(np.random.default_rng(0).integers(0, 255, (30, 32, 32), np.uint8)): Image.fromarray(x).save(tmp_path/f'{i}.png')
    noise = open_pixels(tmp_path.glob('*.png'), 32, folder=tmp_path/'cache', jobs=1)
    assert layout_of(noise, noise.paths) is None


def test_the_correlation_is_that_of_the_small_images():
    coarse = np.random.default_rng(1).integers(0, 255, (2, 5, 5), np.uint8)
    one, other = (np.asarray(Image.fromarray(o).resize((48, 48))) for o in coarse)  # smooth, as radiographs are
    a, b = (o.reshape(SIDE, 3, SIDE, 3).mean((1, 3)).ravel() for o in (one, other))
    assert (small(one) * small(other)).sum() == pytest.approx(np.corrcoef(a, b)[0, 1], abs=.02)
    assert not small(np.full((9, 9), 7, np.uint8)).any() and (small(one)**2).sum() == pytest.approx(1)
