import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.page.neighbours import nearest, neighbours, picture, reference_paths


def test_the_nearest_come_first_and_equal_ones_in_their_order():
    references = np.array([[0., 0], [3, 4], [1, 0], [1, 0]])
    rows, distances = nearest([0., 0], references, 3)
    assert list(rows) == [0, 2, 3] and list(distances) == [0, 1, 1]
    assert list(nearest([3, 4], references, 9)[0]) == [1, 2, 3, 0]  # all there are


def test_a_model_without_references_has_no_neighbours(subject): assert neighbours(subject, np.zeros((32, 32), np.uint8)) == []


class Run:
    of = None
    predictions = pd.DataFrame(dict(path=list('abcdef'), split=['valid'] * 5 + ['test'], label=[0, 1, 1, 0, 0, 1]))


@pytest.mark.parametrize('labels, paths', [([0, 1, 1, 0, 0], 'abcde'), ([0, 1, 0], 'ace'), ([1, 1, 1, 0, 0], ''), ([0] * 9, '')])
def test_references_are_the_images_of_valid_or_have_no_pictures(labels, paths):
    assert reference_paths(Run, np.array(labels)) == list(paths) and reference_paths(None, np.array(labels)) == []


def test_the_valid_of_an_adapted_run_has_other_images():
    class Adapted(Run): of = dict(adapted={})
    assert reference_paths(Adapted, np.array([0, 1, 1, 0, 0])) == []


def test_a_file_that_moved_has_no_picture(films, tmp_path):
    recipe = dict(aspect='pad')
    assert picture(sorted(films.rglob('*.png'))[0], recipe).shape == (256, 256) and picture(tmp_path/'gone.png', recipe) is None
