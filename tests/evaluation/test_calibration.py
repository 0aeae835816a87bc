import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss, roc_auc_score

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation import calibration as C


def truth(seed, n=6000, base=-.8):
    "Labels drawn from their own probabilities, hence calibrated."
    rng = np.random.default_rng(seed)
    p = C.sigmoid(base + 1.3*rng.normal(size=n))
    return (rng.random(n) < p).astype(int), p, np.arange(n)//2


@pytest.mark.parametrize('hot', [.5, 1., 2.5])
def test_a_known_temperature_is_found(hot):
    y, p, _ = truth(0, 40_000)
    found = C.temperature(y, C.sigmoid(C.logit(p)*hot))['temperature']
    assert found == pytest.approx(hot, rel=.04)


@pytest.mark.parametrize('weights', [(.64, 2.27), (1, .2)])
def test_known_weights_are_taken_back(weights):
    "A loss with class weights has its minimum at the odds times w1/w0: so much the network learns too much."
    p = truth(1)[1]
    odds = p/(1 - p)*weights[1]/weights[0]
    assert C.apply(C.prior_shift(weights), odds/(1 + odds)) == pytest.approx(p)
    grid = np.linspace(.001, .999, 999)  # that minimum itself, for a true probability of 0.3
    loss = -(weights[1]*.3*np.log(grid) + weights[0]*.7*np.log(1 - grid))
    assert C.apply(C.prior_shift(weights), grid[loss.argmin()]) == pytest.approx(.3, abs=.002)


def test_isotonic_is_scikit_learns_within_its_bounds():
    y, p, _ = truth(2, 500)
    fitted = C.isotonic(y, p)
    q = np.linspace(0, 1, 301)
    expected = IsotonicRegression(out_of_bounds='clip').fit(p, y).predict(q).clip(1/502, 501/502)
    assert C.apply(fitted, q) == pytest.approx(expected, abs=1/250)
    assert 0 < min(fitted['y']) and max(fitted['y']) < 1  # so that a test image of the other class costs a finite log-loss


@pytest.mark.parametrize('method', C.METHODS)
def test_monotone_and_the_same_after_json(method):
    y, p, _ = truth(3, 400)
    fitted = C.fit(method, y, p, (.6, 2.))
    q = np.r_[0, np.sort(np.random.default_rng(0).random((3, 100)).ravel()), 1].reshape(2, 151)
    out = C.apply(json.loads(json.dumps(fitted, allow_nan=False)), q)
    assert out.shape == q.shape and (np.diff(out.ravel()) >= 0).all() and (out >= 0).all() and (out <= 1).all()
    assert (out == C.apply(fitted, q)).all()


def test_log_loss_is_scikit_learns():
    y, p, _ = truth(4, 300)
    assert C.log_loss(y, p).mean() == pytest.approx(log_loss(y, p))
    assert np.isfinite(C.log_loss([0, 1], np.array([1., 0.]))).all()


def bent(p): return .5*p**3 + .02


@pytest.mark.parametrize('spoil, weights, method', [
    (lambda p: C.sigmoid(C.logit(p)*2.5), None, 'temperature'),
    (lambda p: C.sigmoid(C.logit(p) + np.log(4)), (.5, 2.), 'prior_shift'),
    (bent, (1., 1.), 'isotonic'),
])
def test_what_was_spoilt_is_found_and_mended(spoil, weights, method):
    y, p, person = truth(5)
    found = C.choose_calibrator(y, spoil(p), person, weights)
    assert found['chosen']['method'] == method and found['folds'] == 5
    assert found['log_loss'][method] == min(found['log_loss'].values()) < found['log_loss']['none'] - .01
    assert np.abs(C.apply(found['chosen'], spoil(p)) - p).mean() < .02
    assert roc_auc_score(y, C.apply(found['chosen'], spoil(p))) == pytest.approx(roc_auc_score(y, p), abs=.004)
    assert ('prior_shift' in found['left_out']) == (weights is None)


def test_none_is_kept_where_nothing_is_wrong():
    y, p, person = truth(6, 400)
    found = C.choose_calibrator(y, p, person, (1., 1.))
    assert found['log_loss']['prior_shift'] == found['log_loss']['none']
    assert found['log_loss']['isotonic'] > found['log_loss']['none']  # steps fitted to noise: seen on the images left out alone
    assert C.log_loss(y, C.apply(found['candidates']['isotonic'], p)).mean() < found['log_loss']['none']


def test_folds_keep_persons_and_classes():
    y, _, person = truth(7, 300)
    fold = C.person_folds(y, person, 5, 0)
    assert all(len(set(fold[person == who])) == 1 for who in set(person))
    assert all(0 < y[fold == k].mean() < 1 for k in range(5)) and np.bincount(fold).min() >= 50
    assert (C.person_folds(y, person, 5, 1) != fold).any()


@pytest.mark.parametrize('y, person', [([0, 0, 0, 0], 'abcd'), ([1, 0, 0, 0], 'abcd'), ([1, 0, 1, 0], 'aaaa'), ([1], 'a')])
def test_too_few_to_calibrate(y, person):
    found = C.choose_calibrator(y, np.linspace(.2, .8, len(y)), list(person), (1, 2))
    assert found['chosen'] == dict(method='none') and 'fewer than two persons' in found['left_out']['isotonic']


def test_equal_and_extreme_probabilities():
    y, person = np.arange(40) % 2, np.arange(40)
    for p in (np.full(40, .7), y.astype(float), 1. - y):
        json.dumps(C.choose_calibrator(y, p, person, (1, 2)), allow_nan=False)


def test_bad_calibrators():
    with pytest.raises(InputError, match='platt'): C.apply(dict(method='platt'), [.5])
    with pytest.raises(InputError, match='platt'): C.fit('platt', [0, 1], [.2, .3])
    with pytest.raises(InputError, match='above 0'): C.prior_shift((0, 1))


def test_applying_needs_numpy_alone():
    code = ('import sys; from pneumo_fastai.evaluation.calibration import apply; apply(dict(method="temperature", temperature=2.), [.5]); '
            'assert not {"sklearn", "scipy", "pandas", "torch"} & set(sys.modules)')
    subprocess.run([sys.executable, '-c', code], check=True)
