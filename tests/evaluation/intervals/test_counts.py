import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation import metrics as M
from pneumo_fastai.evaluation.intervals import ranks
from pneumo_fastai.evaluation.intervals.counts import both_classes, checked, confusion, ratio


def test_positive_at_the_threshold_itself(): assert confusion([0, 1], [.5, .5], .5) == (0, 1, 0, 1)


@pytest.mark.parametrize('seed', range(5))
def test_each_image_may_have_a_threshold_of_its_own(seed):
    rng = np.random.default_rng(seed)
    y, p, threshold = rng.integers(0, 2, 200), rng.random(200), rng.random(200)
    assert confusion(y, p, threshold) == tuple(confusion_matrix(y, p >= threshold).ravel())
    assert confusion(y, p, .4) == tuple(confusion_matrix(y, p >= .4).ravel())


def test_a_ratio_of_nothing_is_no_number():
    np.testing.assert_array_equal(ratio([1, 0, 3], [2, 0, 0]), [.5, np.nan, np.nan])
    assert [both_classes(np.array(y)) for y in ([], [0, 0], [1, 1], [0, 1])] == [False, False, False, True]


@pytest.mark.parametrize('y, p, words', [
    ([0, 1], [.5], 'shape'),
    ([0, 2], [.5, .5], '1 of 2 labels are not 0 or 1, the first is 2'),
    ([0, np.nan], [.5, .5], 'not 0 or 1'),
    ([0, 1], [.5, 1.1], 'not in'),
    ([0, 1], [.5, np.nan], 'not in'),
    ([0, 1], [-np.inf, .5], 'not in'),
    ([0, 1], ['a', .5], 'not a number'),
    ([[0, 1]], [[.5, .5]], 'shape'),
])
def test_bad_input(y, p, words):
    for function in (checked, ranks.auroc, lambda y, p: M.value('accuracy', y, p), M.youden_threshold, M.measure):
        with pytest.raises(InputError, match=words) as e: function(y, p)
        assert '\n' not in str(e.value)
