import re

import numpy as np
import pytest

from pneumo_fastai.report import gallery
from pneumo_fastai.report.figures import heatmaps
from pneumo_fastai.report.figures.heat import ADDS, ON_GREY, Scale, rgba


def test_without_heat_a_radiograph_is_untouched_and_more_heat_hides_more_of_it():
    heat = np.array([[0., .25, .5, 1., 2., -1.]])
    alpha = rgba(heat)[0, :, 3]
    assert alpha[0] == alpha[5] == 0 and (np.diff(alpha[:4]) > 0).all() and alpha[4] == alpha[3]


def test_the_bar_has_the_colours_that_heat_has_on_grey():
    grey = np.full((1, 3), 102, np.uint8)  # .4 of 255
    shown = gallery.overlaid(grey, np.array([[0., .5, 1.]]))[0]
    np.testing.assert_allclose(shown / 255, ON_GREY([0., .5, 1.])[:, :3], atol=.02)


@pytest.mark.parametrize('method', ['gradcam', 'hirescam', 'layercam', 'gradcam++'])
@pytest.mark.parametrize('last', [True, False])
def test_only_what_adds_up_is_called_so(method, last):
    says = Scale(.5, method, last).label
    assert (says == ADDS) == (last and method in ('gradcam', 'hirescam'))
    assert says == ADDS or 'not what a place adds' in says


def test_panels_and_page_say_what_the_colours_mean(tmp_path):
    scale = Scale(.3142)
    fig = heatmaps.image_grid([np.zeros((8, 8))]*4, ['a']*4, [np.zeros((8, 8))]*4, scale=scale)
    *_, bar = fig.axes
    assert bar.get_xlabel() == ADDS and [t.get_text() for t in bar.get_xticklabels()] == ['0', '0.16', '0.31 or more']
    gallery.write_errors(tmp_path/'t.html', [], .5, 'run', 0, scale=scale)
    text = re.search('<div class="scale">.*?</div>.*?</div>', (tmp_path/'t.html').read_text(), re.S)[0]
    assert re.sub('<[^>]+>', ' ', text).split() == ['0', '0.16', '0.31', 'or', 'more', *ADDS.split()]
    few = heatmaps.attention(np.zeros((2, 8, 8)), [('untrained', np.zeros((2, 8, 8)))], [[], []], scale)
    assert few.axes[-1].get_xlabel() == ADDS
