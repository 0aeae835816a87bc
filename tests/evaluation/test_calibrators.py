import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation import calibrators as C


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
    assert C.apply(C.fit('prior_shift', [], [], weights), odds/(1 + odds)) == pytest.approx(p)
    grid = np.linspace(.001, .999, 999)  # that minimum itself, for a true probability of 0.3
    loss = -(weights[1]*.3*np.log(grid) + weights[0]*.7*np.log(1 - grid))
    assert C.apply(C.fit('prior_shift', [], [], weights), grid[loss.argmin()]) == pytest.approx(.3, abs=.002)


def targets(y): return np.where(y == 1, (y.sum() + 1)/(y.sum() + 2), 1/((1 - y).sum() + 2))  # Platt (1999)


def test_isotonic_is_scikit_learns_on_smoothed_labels():
    y, p, _ = truth(2, 500)
    fitted = C.fit('isotonic', y, p)
    q = np.linspace(0, 1, 301)
    assert C.apply(fitted, q) == pytest.approx(IsotonicRegression(out_of_bounds='clip').fit(p, targets(y)).predict(q))
    assert 0 < min(fitted['y']) and max(fitted['y']) < 1  # so that a test image of the other class costs a finite log-loss


@pytest.mark.parametrize('method', C.METHODS)
def test_monotone_and_the_same_after_json(method):
    y, p, _ = truth(3, 400)
    fitted = C.fit(method, y, p, (.6, 2.))
    q = np.r_[0, np.sort(np.random.default_rng(0).random((3, 100)).ravel()), 1].reshape(2, 151)
    out = C.apply(json.loads(json.dumps(fitted, allow_nan=False)), q)
    assert out.shape == q.shape and (np.diff(out.ravel()) >= 0).all() and (out >= 0).all() and (out <= 1).all()
    assert (out == C.apply(fitted, q)).all()


@pytest.mark.parametrize('method, numbers, odds', [
    ('temperature', dict(temperature=2.), lambda o: o**.5), ('prior_shift', dict(log_odds=np.log(3)), lambda o: o/3),
    ('intercept', dict(intercept=np.log(3)), lambda o: o*3), ('platt', dict(slope=2., intercept=-np.log(3)), lambda o: o**2/3)])
def test_what_is_kept_of_a_run_reads_the_same_ever_after(method, numbers, odds):
    p = np.array([.1, .5, .8])
    out = C.apply(dict(method=method, **numbers), p)
    assert out/(1 - out) == pytest.approx(odds(p/(1 - p)))


def test_platt_is_scikit_learns_regression_on_smoothed_labels():
    "Each image twice, once with each label, weighed by the targets of Platt (1999) for its positives."
    y, p, _ = truth(11, 60)
    target = targets(y)
    peer = LogisticRegression(C=np.inf, tol=1e-12).fit(np.tile(C.logit(p), 2)[:, None], np.repeat([1, 0], 60), np.r_[target, 1 - target])
    assert C.platt(y, p) == pytest.approx(dict(slope=peer.coef_[0, 0], intercept=peer.intercept_[0]), abs=1e-5)


def separable(rng, n):
    "Labels with calibrated probabilities (AUROC 0.988): (y, p) of valid, drawn until some threshold does not err, and of any test."
    def draw(n):
        y = rng.integers(0, 2, n)
        return y, C.sigmoid(3.2*rng.normal(3.2/2*(2*y - 1), 1))
    while True:
        y, p = draw(n)
        if 2 < y.sum() < n - 2 and p[y == 1].min() > p[y == 0].max(): return y, p, *draw(5000)


@pytest.mark.parametrize('n', [20, 40, 64])
def test_classes_that_valid_separates_by_chance_are_no_ground_for_certainty(n):
    rng, before, after, least = np.random.default_rng(n), [], {m: [] for m in ('chosen', 'temperature', 'platt', 'intercept')}, []
    for _ in range(12):
        y, p, test_y, test_p = separable(rng, n)
        found = C.choose_calibrator(y, p, np.arange(n))
        before.append(log_loss(test_y, test_p))
        for m, losses in after.items():
            losses.append(log_loss(test_y, C.apply(dict(found['candidates'], chosen=found['chosen'])[m], test_p)))
        least.append(found['candidates']['temperature']['temperature'])
    for m, losses in after.items(): assert np.mean(losses) < np.mean(before) + .1, m  # a sharpening without end costs 0.2 to 0.6
    assert min(least) > 1/3


@pytest.mark.parametrize('n', [200, 800])
def test_where_valid_is_large_enough_nothing_is_lost_by_caution(n):
    "Against the same fits on labels as they are, by scikit-learn without a penalty."
    mine, theirs = [], []
    test_y, test_p, _ = truth(99, 20_000)
    for seed in range(15):
        y, p, _ = truth(seed, n)
        peer = LogisticRegression(C=np.inf, tol=1e-10).fit(C.logit(p)[:, None], y)
        theirs.append(log_loss(test_y, peer.predict_proba(C.logit(test_p)[:, None])[:, 1]))
        mine.append(log_loss(test_y, C.apply(C.fit('platt', y, p), test_p)))
    assert np.mean(mine) < np.mean(theirs) + .001


@pytest.mark.parametrize('spoil', [lambda p: 1 - p, lambda p: C.sigmoid(40*C.logit(1 - p)),
                                   lambda p: np.random.default_rng(0).random(6000)])
def test_a_model_that_is_the_wrong_way_round_is_not_turned_round(spoil):
    y, p, patient = truth(8)
    found = C.choose_calibrator(y, spoil(p), patient)
    assert 'turn the order' in found['left_out']['platt'] and 'platt' not in {**found['log_loss'], **found['candidates']}
    q = np.linspace(.01, .99, 99)
    for m in ('temperature', 'platt'): assert (np.diff(C.apply(C.fit(m, y, spoil(p)), q)) > 0).all()


@pytest.mark.parametrize('scale', [1e-3, 1., 30.])
def test_a_fit_does_not_depend_on_the_scale_of_the_logits(scale):
    y, p, _ = truth(9, 500)
    x = np.clip(C.logit(p), -.5, .5)  # within what EPS leaves at each scale
    one, other = (C.fit('platt', y, C.sigmoid(s*x)) for s in (1, scale))
    assert other['slope']*scale == pytest.approx(one['slope'], rel=1e-3) and other['intercept'] == pytest.approx(one['intercept'], abs=1e-3)


def test_log_loss_is_scikit_learns():
    y, p, _ = truth(4, 300)
    assert C.log_loss(y, p).mean() == pytest.approx(log_loss(y, p))
    assert np.isfinite(C.log_loss([0, 1], np.array([1., 0.]))).all()


def bent(p): return .5*p**3 + .02


@pytest.mark.parametrize('spoil, weights, method', [
    (lambda p: C.sigmoid(C.logit(p)*2.5), None, 'temperature'),
    (lambda p: C.sigmoid(C.logit(p) + np.log(4)), (.5, 2.), 'prior_shift'),
    (lambda p: C.sigmoid(C.logit(p) + np.log(4)), None, 'intercept'),
    (lambda p: C.sigmoid(2*C.logit(p) - 1.5), None, 'platt'),
    (bent, (1., 1.), 'isotonic'),
])
def test_what_was_spoilt_is_found_and_mended(spoil, weights, method):
    y, p, patient = truth(5)
    found = C.choose_calibrator(y, spoil(p), patient, weights)
    assert found['chosen']['method'] == method and found['folds'] == 5
    assert found['log_loss'][method] == min(found['log_loss'].values()) < found['log_loss']['none'] - .01
    assert np.abs(C.apply(found['chosen'], spoil(p)) - p).mean() < .02
    assert roc_auc_score(y, C.apply(found['chosen'], spoil(p))) == pytest.approx(roc_auc_score(y, p), abs=.004)
    assert ('prior_shift' in found['left_out']) == (weights is None)


def test_none_is_kept_where_nothing_is_wrong():
    y, p, patient = truth(6, 400)
    found = C.choose_calibrator(y, p, patient, (1., 1.))
    assert found['log_loss']['prior_shift'] == found['log_loss']['none']
    assert found['log_loss']['isotonic'] > found['log_loss']['none']  # steps fitted to noise: seen on the images left out alone
    assert C.log_loss(y, C.apply(found['candidates']['isotonic'], p)).mean() < found['log_loss']['none']


def test_folds_keep_patients_and_classes():
    y, _, patient = truth(7, 300)
    fold = C.patient_folds(y, patient, 5, 0)
    assert all(len(set(fold[patient == who])) == 1 for who in set(patient))
    assert all(0 < y[fold == k].mean() < 1 for k in range(5)) and np.bincount(fold).min() >= 50
    assert (C.patient_folds(y, patient, 5, 1) != fold).any()


@pytest.mark.parametrize('y, patient', [([0, 0, 0, 0], 'abcd'), ([1, 0, 0, 0], 'abcd'), ([1, 0, 1, 0], 'aaaa'), ([1], 'a')])
def test_too_few_to_calibrate(y, patient):
    found = C.choose_calibrator(y, np.linspace(.2, .8, len(y)), list(patient), (1, 2))
    assert found['chosen'] == dict(method='none') and 'fewer than two patients' in found['left_out']['isotonic']


def test_equal_and_extreme_probabilities():
    y, patient = np.arange(40) % 2, np.arange(40)
    for p in (np.full(40, .7), y.astype(float), 1. - y):
        json.dumps(C.choose_calibrator(y, p, patient, (1, 2)), allow_nan=False)


def test_bad_calibrators():
    with pytest.raises(InputError, match='beta'): C.apply(dict(method='beta'), [.5])
    with pytest.raises(InputError, match='beta'): C.fit('beta', [0, 1], [.2, .3])
    with pytest.raises(InputError, match='above 0'): C.prior_shift((0, 1))


def test_applying_needs_numpy_alone():
    code = ('import sys; from pneumo_fastai.evaluation.calibrators import apply; apply(dict(method="temperature", temperature=2.), [.5]); '
            'assert not {"sklearn", "scipy", "pandas", "torch"} & set(sys.modules)')
    subprocess.run([sys.executable, '-c', code], check=True)
