import numpy as np
import pytest

from pneumo_fastai.data.borders import SIDES, bar, side_first


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
