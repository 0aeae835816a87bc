import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.report.figures import heatmaps
from pneumo_fastai.report.figures.heatmaps import cases


def test_the_four_cases_are_the_clearest_of_each_kind_and_none_is_made_up():
    rows = pd.DataFrame(dict(path=list('abcdefgh'), label=[1, 1, 1, 1, 0, 0, 0, 0], probability=[.9, .8, .3, .2, .7, .6, .1, .05]))
    found = cases(rows, .5)
    assert dict(zip(found.case, found.path, strict=True)) == {
        'pneumonia, found': 'a', 'pneumonia, missed': 'd', 'healthy, false alarm': 'e', 'healthy, called so': 'h'}
    assert list(cases(rows[rows.label == 1], 0).case) == ['pneumonia, found']


def test_a_panel_goes_from_the_surest_to_the_most_wrong_of_both_classes():
    "So that a healthy radiograph called so is among them."
    rows = pd.DataFrame(dict(label=[1]*20 + [0]*30, probability=np.arange(50) / 50))
    few = heatmaps.spread(rows)
    assert few.label.tolist() == [1]*6 + [0]*3 and few.probability.tolist()[:6:5] == [19/50, 0]
    assert few.probability.tolist()[6::2] == [49/50, 20/50]
    assert len(heatmaps.spread(rows[rows.label == 0])) == 9


@pytest.mark.parametrize('columns', [1, 3, 5])
def test_long_titles_do_not_overlap(columns, no_overlap):
    title = 'a0b1c2d3-e4f5-4a6b-8c7d-9e0f1a2b3c4d\nlabel no pneumonia, called pneumonia, loss 3.61 $x$ ' + 'PERSON1000_BACTERIA_2931_'*3
    fig = heatmaps.image_grid([np.zeros((32, 32))]*9, [title]*9, columns=columns, synthetic=True)
    assert len(fig.axes) == -(-9//columns)*columns and no_overlap(fig)


def test_grid_shows_grey_maps_and_boxes():
    image = np.full((10, 12), 128)
    heat = np.zeros((10, 12))
    heat[4, 5] = 1
    ax = heatmaps.image_grid([image], ['a'], maps=[heat], boxes=[[(2, 3, 4, 5)]]).axes[0]
    grey, over = ax.images
    assert grey.get_cmap().name == 'gray' and grey.get_clim() == (0, 255)
    alpha = over.get_array()[..., 3]
    assert alpha[4, 5] > .5 and alpha.sum() == alpha[4, 5]  # the radiograph is untouched elsewhere
    box, = ax.patches
    assert (box.get_x(), box.get_y(), box.get_width(), box.get_height()) == (1.5, 2.5, 4, 5)  # edges of pixels, not their centres


@pytest.mark.parametrize('images, titles, maps', [([], [], None), ([np.zeros((4, 4))], [], None), ([np.zeros((4, 4, 3))], ['a'], None),
                                                  ([np.zeros((4, 4))], ['a'], [np.zeros((2, 2))])])
def test_grid_bad_input(images, titles, maps):
    with pytest.raises(InputError): heatmaps.image_grid(images, titles, maps)
