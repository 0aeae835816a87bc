import json

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation import adaptation as A
from pneumo_fastai.evaluation.calibrators import apply, log_loss, logit, sigmoid
from pneumo_fastai.evaluation.prevalence import corrected
from pneumo_fastai.evaluation.settings import Settings

OWN = dict(threshold=.5, rule='youden on valid', calibrator=dict(method='none'), prevalence=.4)


def some(n=400, hot=1., up=0., seed=0):
    "Labels, probabilities whose log-odds were right before they were multiplied by `hot` and moved by `up`, and patients of two images."
    rng = np.random.default_rng(seed)
    x = 1.5*rng.normal(size=n) - .4
    return (rng.random(n) < sigmoid(x)).astype(int), sigmoid(hot*x + up), np.repeat(np.arange(n//2), 2).astype(str)


def test_where_nothing_is_wrong_the_own_calibrator_mostly_stays_and_what_replaces_it_costs_little():
    kept = [A.choose_recalibrator(*some(60, seed=s), OWN, s)['kept'] for s in range(12)]
    assert kept.count('own') >= max(kept.count(k) for k in A.WORDS) and kept.count('own') >= 5


@pytest.mark.parametrize('wrong', [dict(hot=4.), dict(hot=.3), dict(up=3.), dict(hot=3., up=-4.)])
def test_where_probabilities_are_wrong_the_log_loss_of_others_falls(wrong):
    found, (y, p, _) = A.choose_recalibrator(*some(**wrong), OWN), some(4000, **wrong, seed=1)
    assert found['kept'] != 'own' and log_loss(y, apply(found['chosen'], p)).mean() < log_loss(y, p).mean() - .02
    assert log_loss(y, apply(found['chosen'], p)).mean() < log_loss(y, some(4000, seed=1)[1]).mean() + .02


def test_temperature_and_platt_are_what_scipy_and_scikit_learn_find():
    y, p, patient = some(4000, hot=3., up=1.)
    made, x = A.choose_recalibrator(y, p, patient, OWN)['candidates'], logit(p)
    best = minimize_scalar(lambda t: log_loss(y, sigmoid(x/t)).mean(), bounds=(.1, 20), method='bounded')
    assert made['temperature']['temperature'] == pytest.approx(best.x, rel=.01)
    model = LogisticRegression(C=1e9).fit(x[:, None], y)
    assert made['platt']['slope'] == pytest.approx(model.coef_[0, 0], rel=.01)
    assert made['platt']['intercept'] == pytest.approx(model.intercept_[0], abs=.02)


def test_the_own_calibrator_is_tried_as_it_is_and_moved_to_the_prevalence_here():
    y, p, patient = some(hot=2.)
    own = dict(OWN, calibrator=dict(method='temperature', temperature=2.), prevalence=.1)
    made = json.loads(json.dumps(A.choose_recalibrator(y, p, patient, own)['candidates']))
    assert made['own'] == own['calibrator']
    np.testing.assert_allclose(apply(made['prevalence'], p), corrected(sigmoid(logit(p)/2), .1, y.mean()))


def test_patients_of_one_class_change_nothing():
    y, p, patient = (o[:20] for o in some())
    found = A.choose_recalibrator(y*0, p, patient, OWN)
    assert found['chosen'] == OWN['calibrator'] and found['kept'] == 'own' and set(found['left_out']) == set(A.WORDS) - {'own'}
    assert A.threshold_of(y*0, p, OWN, Settings(rule='sensitivity')) == .5 != A.threshold_of(*some()[:2], OWN, Settings(rule='sensitivity'))


def test_what_is_measured_and_how_far_it_is_from_the_aim():
    y, p = np.array([1, 1, 1, 1, 0, 0]), np.array([.9, .8, .6, .1, .7, .2])
    def of(**rule): return A.measured(y, p, dict(method='none'), .5, Settings(**rule))
    assert of() | dict(sensitivity=.75, specificity=.5, off=pytest.approx(.75)) == of()
    assert of()['log_loss'] == pytest.approx(-np.log([.9, .8, .6, .1, .3, .8]).mean())
    assert of(rule='sensitivity', sensitivity=.95)['off'] == pytest.approx(.2)
    assert of(rule='specificity', specificity=.4)['off'] == pytest.approx(.1)
    assert of(rule='cost', miss=6, prevalence=.5)['off'] == pytest.approx(.5*6*.25 + .5*.5)


def test_patients_are_drawn_whole_and_both_classes_are_left():
    y, _, patient = some(60)
    y[:] = 0
    y[:4] = 1  # two patients have it: at most one of them is drawn
    for seed in range(20):
        inside = A.drawn(patient, y, 20, seed)
        assert len(set(patient[inside])) == 20 and not set(patient[inside]) & set(patient[~inside]) and y[~inside].any()
    assert (A.drawn(patient, y, 20, [1, 2]) == A.drawn(patient, y, 20, [1, 2])).all()


@pytest.mark.parametrize('change, n, says', [
    (lambda y: y, 25, r'x has 30 patients .* too few for 25 and 10 more to measure on; give --patients 15'),
    (lambda y: y, 9, 'patients is 9; give 10 or more'),
    (lambda y: y*(np.arange(len(y)) < 8), 10, 'x has 4 patients with pneumonia .*; give 10 or more')])
def test_too_few_patients_are_refused_with_what_would_do(change, n, says):
    y, patient = np.arange(60) % 2, np.repeat(np.arange(30), 2)
    A.check_enough(patient, y, 20, 'x')
    with pytest.raises(InputError, match=says): A.check_enough(patient, change(y), n, 'x')
