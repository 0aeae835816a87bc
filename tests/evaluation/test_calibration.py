import json
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss

from pneumo_fastai.evaluation import calibration as R
from pneumo_fastai.evaluation.calibrators import logistic, logit, sigmoid


def sample(seed, n=2000, slope=1., shift=0.):
    rng = np.random.default_rng(seed)
    x = 1.2*rng.normal(size=n) - .5
    return (rng.random(n) < sigmoid(slope*x + shift)).astype(int), sigmoid(x)


def rows(y, p, patient=None): return pd.DataFrame(dict(patient=np.arange(len(y)) if patient is None else patient, label=y, probability=p))


def test_hand_worked():
    y, p = np.array([0, 1, 1, 1]), np.array([.1, .1, .9, .7])
    assert R.calibration_error(y, p, R.equal_width(p, 2), 2) == pytest.approx((.5*.4 + .5*.2, .4))
    assert R.brier_parts(y, p, 2) == pytest.approx(dict(brier=(.01 + .81 + .01 + .09)/4, reliability=.5*.16 + .5*.04, resolution=.0625,
                                                        uncertainty=3/16, within_bins=.23 - .1 + .0625 - 3/16))


@pytest.mark.parametrize('bins', [5, 10, 15])
def test_the_table_is_scikit_learns_and_gives_the_error(bins):
    y, p = sample(0)
    table = R.table(y, p, bins)
    observed, mean = calibration_curve(y, p, n_bins=bins)
    full = [row for row in table if row['n']]
    assert [row['observed'] for row in full] == pytest.approx(observed) and [row['mean_probability'] for row in full] == pytest.approx(mean)
    gap = np.abs(observed - mean)
    n = np.array([row['n'] for row in full])
    assert n.sum() == len(y) and len(table) == bins
    assert R.calibration_error(y, p, R.equal_width(p, bins), bins) == pytest.approx(((gap*n).sum()/len(y), gap.max()))


def test_equal_mass_bins():
    p = np.random.default_rng(0).permutation(np.arange(1000))/1000
    assert (np.bincount(R.equal_mass(p, 10)) == 100).all() and (R.equal_mass(p, 10)[p < .1] == 0).all()
    tied = np.r_[np.full(600, .2), np.linspace(.3, 1, 400)]
    assert len(set(R.equal_mass(tied, 10)[:600])) == 1  # equal probabilities are never told apart
    assert sum(row['n'] for row in R.table(np.zeros(1000), tied, 10, width=False)) == 1000


def test_brier_and_log_loss_are_scikit_learns_and_the_parts_add_up():
    y, p = sample(1)
    got = R.calibration_measures(rows(y, p))
    assert got['brier']['value'] == pytest.approx(brier_score_loss(y, p)) and got['log_loss']['value'] == pytest.approx(log_loss(y, p))
    assert got['brier']['value'] == pytest.approx(got['reliability'] - got['resolution'] + got['uncertainty'] + got['within_bins'])
    binned = np.array([.05, .35, .75])[np.arange(600) % 3]  # one probability a bin: Murphy's three parts are the whole of it
    parts = R.brier_parts((np.random.default_rng(0).random(600) < binned).astype(int), binned)
    assert parts['within_bins'] == pytest.approx(0, abs=1e-12) and parts['reliability'] < .01 < parts['resolution']


@pytest.mark.parametrize('slope, shift', [(1, 0), (.6, 0), (1, -1), (1.5, .5)])
def test_slope_and_intercept(slope, shift):
    y, p = sample(2, 8000, slope, shift)
    got = R.recalibration(y, p, np.arange(8000))
    peer = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(p)[:, None], y)
    assert got['slope']['value'] == pytest.approx(peer.coef_[0, 0], abs=1e-4)
    assert got['intercept']['value'] == pytest.approx(peer.intercept_[0], abs=1e-4)
    for name, truth in (('slope', slope), ('intercept', shift)): assert got[name]['value'] == pytest.approx(truth, abs=.12)
    large = got['in_the_large']['value']
    assert sigmoid(logit(p) + large).mean() == pytest.approx(y.mean())  # what defines it


def test_patients_widen_the_interval():
    y, p = sample(3, 500, .8)
    once, copied = R.recalibration(y, p, np.arange(500)), [np.tile(v, 4) for v in (y, p, np.arange(500))]
    again = R.recalibration(*copied)  # four copies of each image tell nothing new
    for k in once: assert [again[k][e] for e in ('value', 'low', 'high')] == pytest.approx([once[k][e] for e in ('value', 'low', 'high')])


def test_coverage_of_the_slope():
    inside = 0
    for seed in range(150):
        y, p = sample(seed, 400, .7, .3)
        got = R.recalibration(y, p, np.arange(400)//2)
        inside += got['slope']['low'] <= .7 <= got['slope']['high']
    assert .9 <= inside/150 <= .99


def test_what_a_perfect_model_shows():
    errors = []
    for seed in range(60):
        y, p = sample(seed, 300)
        errors.append(R.calibration_error(y, p, R.equal_width(p))[0])
    expected = R.chance_error(y, p, np.arange(300), 0)
    assert np.mean(errors) == pytest.approx(expected['mean'], rel=.12) and np.mean(np.array(errors) > expected['high']) < .15
    assert expected['mean'] > .03  # an ECE of 0.03 in 300 images is no sign of anything


def clustered(rng, patients, rho):
    "A perfect model: one to five images a patient, alike in probability, and in label through a Gaussian copula of that correlation."
    patient = np.repeat(np.arange(patients), rng.integers(1, 6, patients))
    p = sigmoid(1.5*rng.normal(size=patients)[patient] - .5)
    latent = rho**.5*rng.normal(size=patients)[patient] + (1 - rho)**.5*rng.normal(size=len(p))
    return (norm.cdf(latent) < p).astype(int), p, patient


@pytest.mark.parametrize('rho', [0., .9])
def test_a_perfect_model_rarely_exceeds_its_chance_level_with_several_images_a_patient(rho):
    rng, over, independent = np.random.default_rng(5), 0, 0
    for seed in range(60):
        y, p, patient = clustered(rng, 120, rho)
        ece = R.calibration_error(y, p, R.equal_width(p))[0]
        over += ece > R.chance_error(y, p, patient, seed)['high']
        if rho: independent += ece > R.chance_error(y, p, np.arange(len(y)), seed)['high']
    assert over <= 8  # 3 expected; 9 or more have a probability of 0.003
    if rho: assert independent > 20  # as if each image were another patient's


def test_likeness_within_patients_is_that_of_all_pairs():
    rng = np.random.default_rng(2)
    y, p, patient = clustered(rng, 300, .9)
    p = sigmoid(logit(p) + rng.normal(size=len(p)))  # images of a patient differ in probability
    slope, shift = logistic(y, p, (True, True))
    q, pairs = sigmoid(slope*logit(p) + shift), [(i, j) for k in range(300) for i, j in combinations(np.flatnonzero(patient == k), 2)]
    i, j = np.array(pairs).T
    found = ((y - q)[i]*(y - q)[j]).sum()/(np.minimum(q[i], q[j]) - q[i]*q[j]).sum()
    assert 0 < found < 1 and R.likeness(y, p, patient) == pytest.approx(found)
    assert R.likeness(y, p, np.arange(len(y))) == 0 and R.likeness(y, np.full(len(y), .5), np.arange(len(y))) == 0
    too_high = sigmoid(logit(p) + 2)  # probabilities that are wrong throughout do not make the images of a patient alike
    assert R.likeness(y, too_high, patient) == pytest.approx(found, abs=.01)


@pytest.mark.parametrize('y, p, words', [
    ([0, 0, 1, 1], [.1, .2, .8, .9], 'separate'), ([0, 1, 0, 1], [.5]*4, 'do not differ'), ([1, 1], [.3, .4], 'one class'),
    ([1], [1.], 'one class'),
    ([0, 1, 1, 0], [0., 1., 0., 1.], ''),
])
def test_degenerate(y, p, words):
    got = R.calibration_measures(rows(np.array(y), np.array(p)))
    json.dumps(got, allow_nan=False)
    if words: assert got['slope']['value'] is None and words in got['slope']['reason']
    one = R.calibration_measures(rows(np.array(y), np.array(p), patient=np.zeros(len(y))))
    assert one['brier']['low'] is None and 'no interval' in one['brier']['reason']
    assert one['in_the_large']['low'] is None
    assert R.calibration_measures(rows(np.zeros(0), np.zeros(0)))['n'] == 0
