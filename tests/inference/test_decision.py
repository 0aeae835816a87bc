"What is said of an image follows from probabilities alone, in the words of the data sets' classes."
import numpy as np
import pytest

from pneumo_fastai.evaluation.uncertainty import SETS
from pneumo_fastai.inference.decision import NAMES, decided

RECIPE = dict(threshold=.5, calibrator=dict(method='intercept', intercept=1.), conformal=dict(limit={'0': .3, '1': .6}))


def test_names_are_in_the_order_of_the_codes(): assert NAMES[:3].tolist() == list(SETS[:3]) and len(NAMES) == len(SETS) == 4


def test_the_threshold_is_pneumonia_and_what_is_no_number_is_nothing():
    found = decided(RECIPE, np.array([[.2, .35, .5, np.nan, .9]]))
    assert found['prediction'].tolist() == ['no pneumonia', 'no pneumonia', 'pneumonia', None, 'pneumonia']
    assert found['set'].tolist() == ['no pneumonia', 'neither', 'pneumonia', None, 'pneumonia']
    assert found['known'].tolist() == [True, True, True, False, True] and 'disagreement' not in found
    assert found['calibrated'][2] == pytest.approx(1 / (1 + np.exp(-1))) and found['probability'][2] == .5


def test_members_are_averaged_and_may_disagree_and_limits_may_be_absent():
    found = decided(RECIPE | dict(conformal=None), np.array([[.2, .9, np.nan], [.2, .1, .5]]))
    assert found['probability'][:2].tolist() == [.2, .5] and found['set'].tolist() == [None] * 3
    assert found['disagreement'][0] == 0 and found['disagreement'][1] > .3 and np.isnan(found['disagreement'][2])
