import numpy as np
import pytest

from pneumo_fastai.data.borders import SIDES, bar, content, side_first
from pneumo_fastai.data.decoding.dicom import square


@pytest.mark.parametrize('height, width', [(160, 128), (100, 100), (61, 200), (333, 47)])
def test_content_is_what_was_not_padded(height, width):
    padded = square(np.full((height, width), 200, np.uint8), 64) > 100
    top, bottom, left, right = content(height, width, 64, 'pad')
    assert padded[top:bottom, left:right].all() and padded.sum() == (bottom - top)*(right - left)
    assert content(height, width, 64, 'crop') == (0, 64, 0, 64)


@pytest.mark.parametrize('side', range(4))
@pytest.mark.parametrize('tone', [0, 128, 250])
def test_a_bar_is_measured_from_its_side_also_with_a_letter_in_it(side, tone, film):
    pixels = film(1, 128, 128).clip(20, 230)
    turned = np.rot90(pixels, side).copy()
    turned[:13] = tone
    turned[4:9, 60:64] = 255 - tone
    image = np.rot90(turned, -side)[None]
    found = {s: bar(side_first(image, s)) for s in SIDES}
    name = ['top', 'right', 'bottom', 'left'][side]
    assert abs(found[name][0][0] - 13/128) < .01 and found[name][1][0] == tone
    assert all(width[0] == 0 for s, (width, _) in found.items() if s != name)
