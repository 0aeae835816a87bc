import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.evaluation import metrics as M
from pneumo_fastai.evaluation import thresholds as O
from pneumo_fastai.evaluation.settings import Settings


def sample(seed, n=60, decimals=2):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    return y, np.round(1/(1 + np.exp(-rng.normal(1.5*y, 1))), decimals)


def every_threshold(y, p): return [*np.unique(p), 2.]


@pytest.mark.parametrize('seed', range(8))
@pytest.mark.parametrize('target', [.5, .9, .99])
def test_fixed_rates_are_the_best_of_all_thresholds(seed, target):
    y, p = sample(seed)
    rates = [(M.value('recall', y, p, t), M.value('specificity', y, p, t)) for t in every_threshold(y, p)]
    t = O.threshold_at_sensitivity(y, p, target)
    assert M.value('recall', y, p, t) >= target and M.value('specificity', y, p, t) == max(b for a, b in rates if a >= target)
    t = O.threshold_at_specificity(y, p, target)
    assert M.value('specificity', y, p, t) >= target and M.value('recall', y, p, t) == max(a for a, b in rates if b >= target)


@pytest.mark.parametrize('seed', range(8))
@pytest.mark.parametrize('miss, alarm, prevalence', [(1, 1, .5), (10, 1, .05), (1, 20, .3)])
def test_least_cost_is_the_least_of_all_thresholds(seed, miss, alarm, prevalence):
    y, p = sample(seed)
    def cost(t): return prevalence*miss*(1 - M.value('recall', y, p, t)) + (1 - prevalence)*alarm*(1 - M.value('specificity', y, p, t))
    t = O.threshold_at_least_cost(y, p, miss, alarm, prevalence)
    assert cost(t) == pytest.approx(min(map(cost, every_threshold(y, p))))


def test_costs_decide():
    y, p = [0, 1, 0, 1], [.2, .4, .6, .8]
    assert O.threshold_at_least_cost(y, p, 100, 1, .5) == pytest.approx(.3)   # a miss is dear: both positives
    assert O.threshold_at_least_cost(y, p, 1, 100, .5) == pytest.approx(.7)   # an alarm is dear: the sure one
    assert O.threshold_at_least_cost([0, 1], [.9, .1], 1, 100, .5) > .9       # nobody is called
    assert M.confusion([0, 1], [1., .5], O.threshold_at_specificity([0, 1], [1., .5], .9)) == (1, 0, 1, 0)  # past a score of 1


def test_a_product_that_floats_put_below_its_value():
    y, p = np.r_[np.zeros(10, int), 1], np.r_[np.linspace(.1, .55, 10), .5]
    assert (1 - .9)*10 < 1  # one false alarm among ten is a specificity of 0.9 all the same
    assert M.confusion(y, p, O.threshold_at_specificity(y, p, .9))[1] == 1


def frame(seed, n=200):
    y, p = sample(seed, n, 4)
    patient = np.arange(n)//2
    return pd.DataFrame(dict(path=np.arange(n).astype(str), patient=patient, label=y, probability=p))


def test_points_are_chosen_on_valid_and_shown_on_both():
    valid, test = frame(1), frame(2)
    points = {o['rule']: o for o in O.operating_points(valid, test, Settings(n_boot=20, sensitivity=.95, miss=5, prevalence=.1))}
    assert list(points) == list(O.RULES)
    assert points['sensitivity']['threshold'] == O.threshold_at_sensitivity(valid.label, valid.probability, .95)
    for point in points.values():
        for name, rows in (('valid', valid), ('test', test)):
            assert point[name]['recall']['value'] == M.value('recall', rows.label, rows.probability, point['threshold'])
            assert point[name]['at_prevalence']['prevalence'] == .1
    recall, specificity = (points['cost']['test'][k]['value'] for k in ('recall', 'specificity'))
    assert points['cost']['expected_cost_test'] == pytest.approx(.1*5*(1 - recall) + .9*(1 - specificity))
    assert points['cost']['expected_cost_valid'] <= min(O.cost_of(o['valid'], Settings(miss=5), .1) for o in points.values()) + 1e-12


def test_no_answer_has_a_reason():
    points = O.operating_points(frame(1).assign(label=0), frame(2), Settings(n_boot=5))
    assert {o['rule']: o.get('reason') for o in points} == dict(
        youden='not defined, because on valid the images are all of one class',
        sensitivity='not defined, because on valid no image is positive', specificity=None,
        cost='not defined, because on valid the images are all of one class')
