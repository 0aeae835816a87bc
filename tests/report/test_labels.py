import pytest

from pneumo_fastai.evaluation.metrics import EVERY
from pneumo_fastai.report.labels import NAMES, number, places


def test_number():
    assert number(dict(value=.8714, low=.819, high=.9149)) == '0.871 [0.82, 0.91]'
    assert number(dict(value=None, low=None, high=None)) == 'not defined'
    assert number(dict(value=.0093, low=.0004, high=.19)) == '0.009 [0.00, 0.19]'  # of a share zero is no question
    assert number(dict(value=1., low=None, high=None)) == '1.000 [no interval]'


@pytest.mark.parametrize('value, low, high, says', [
    (.031, .0034, .0612, '+0.031 [+0.003, +0.061]'), (.00048, .00003, .0011, '+0.00048 [+0.00003, +0.00110]'),
    (-.02, -.0521, -.0002, '-0.0200 [-0.0521, -0.0002]'), (.0002, 0., .0004, '+0.000 [+0.000, +0.000]'),
    (.0001, -.0001, .0003, '+0.000 [+0.000, +0.000]'), (.03, -.001, .06, '+0.030 [+0.00, +0.06]'),
    (1e-17, 1e-17, 1e-17, '+0.000 [+0.000, +0.000]')])  # rounding is no difference
def test_an_interval_that_leaves_out_zero_never_has_it_as_an_end(value, low, high, says):
    assert number(dict(value=value, low=low, high=high), sign='+') == says


def test_an_end_has_as_many_places_as_show_that_it_is_not_zero():
    assert places(.04, .2, 2) == 2 and places(.004, .2, 2) == 3 and places(-.2, -.00004, 3) == 5
    assert places(-.1, .1, 2) == 2 and places(0, .1, 2) == 2 and places(1e-12, .1, 2) == 2  # nothing to tell from zero


def test_no_two_metrics_have_one_name(): assert len(set(NAMES.values())) == len(NAMES) == len(EVERY)
