from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from pneumo_fastai.data.decoding.dicom import Film
from pneumo_fastai.page.picture import SIDE, fitted, jpeg, look, part, read, windowed, within

RECIPE = dict(size=32, aspect='pad')
GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)


def png(pixels):
    Image.fromarray(pixels).save(buffer := BytesIO(), 'PNG')
    return buffer.getvalue()


def test_the_film_is_seen_without_the_black_that_makes_it_square():
    tall = np.full((400, 200), 200, np.uint8)
    film = read(png(tall), 32, RECIPE)[1]
    seen = look(png(tall), film, RECIPE)
    assert seen.shape == (400, 200) and (seen == 200).all()
    for aspect in ('crop', 'stretch'): assert look(png(tall), film, dict(aspect=aspect)).shape == (400, 400)
    assert look(png(large := np.zeros((2000, 4000), np.uint8)), read(png(large), 32, RECIPE)[1], RECIPE).shape == (SIDE // 2, SIDE)


@pytest.mark.parametrize('aspect', ['pad', 'inner', 'crop', 'stretch'])
def test_heat_lies_on_the_place_that_it_is_of(aspect):
    film = np.zeros((120, 300), np.uint8)
    film[40:80, 180:220] = 255  # one bright square
    small, about = read(png(film), 64, RECIPE | dict(aspect=aspect))
    seen, heat = look(png(film), about, RECIPE | dict(aspect=aspect)), fitted(small / 255, about, aspect)
    assert heat.shape == seen.shape
    (y, x), (v, u) = (np.argwhere(o > o.max() / 2).mean(0) for o in (seen, heat))
    assert abs(y - v) < 300 / 64 and abs(x - u) < 300 / 64


def test_a_window_is_a_straight_line_between_its_ends():
    np.testing.assert_array_equal(windowed(GREY, 127.5, 255), GREY)
    seen = windowed(GREY, 100, 50).ravel()
    assert seen[75] == 0 and seen[125] == 255 and seen[100] in (127, 128) and not seen[:75].any() and (seen[125:] == 255).all()


def test_zoom_goes_from_end_to_end_and_never_beyond():
    assert part((100, 50), 1, .3, .9) == (slice(0, 100), slice(0, 50))
    assert part((100, 50), 2, 0, 1) == (slice(50, 100), slice(0, 25)) and part((100, 50), 2, 1, 0) == (slice(0, 50), slice(25, 50))
    assert part((3, 3), 6, .5, .5)[0].stop - part((3, 3), 6, .5, .5)[0].start == 1


def test_a_film_fills_a_square_of_its_own_shape():
    assert within(Film(GREY, 16, 16, 'window'), 'pad', 32) == (slice(0, 32), slice(0, 32))


def test_a_jpeg_is_near_what_it_was_made_of():
    smooth = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None], 64, 0)
    assert np.abs(np.asarray(Image.open(BytesIO(jpeg(smooth)))).astype(int) - smooth).max() < 6
