import time

import numpy as np
import pytest
from scipy.stats import norm

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation.intervals import bootstrap as B
from pneumo_fastai.evaluation.metrics import EVERY, RATES, measure, rates


def sample(seed, patients=30, images=2, shift=1., rho=.7):
    "Images of one patient share a label and correlate by `rho` in their score, so AUROC is Phi(shift / sqrt 2)."
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), images)
    y = (np.arange(patients) % 2)[patient]
    z = shift*y + np.sqrt(rho)*rng.normal(size=patients)[patient] + np.sqrt(1 - rho)*rng.normal(size=len(y))
    return patient, y, norm.cdf(z)


def suite(y, p, threshold): return lambda w: B.weighted(y, p, w, threshold)


@pytest.mark.parametrize('decimals', [1, 12])
def test_weights_are_repetitions(decimals):
    patient, y, p = sample(0)
    p = p.round(decimals)
    counts = B.patient_counts(30, 40, seed=1)
    fast = B.weighted(y, p, counts[:, patient], .6)
    for k, row in enumerate(counts[:, patient]):
        naive = measure(np.repeat(y, row), np.repeat(p, row), .6)
        for m in EVERY: assert fast[m][k] == pytest.approx(np.nan if naive[m] is None else naive[m], nan_ok=True)


def test_interval_is_the_naive_one():
    patient, y, p = sample(1)
    aurocs = []
    rng = np.random.default_rng(7)
    for _ in range(200):
        rows = np.concatenate([np.flatnonzero(patient == who) for who in rng.integers(0, 30, 30)])
        aurocs.append(measure(y[rows], p[rows], .5)['auroc'])
    got = B.bootstrap(patient, suite(y, p, .5), n=200, seed=7)['auroc']
    assert [got['low'], got['high']] == pytest.approx(np.quantile(aurocs, [.025, .975]))


def test_a_patient_is_drawn_whole():
    counts = B.patient_counts(5, 50, 0)
    assert (counts.sum(1) == 5).all() and counts.shape == (50, 5) and counts.max() > 1
    n = B.bootstrap(['a', 'b', 'a', 'b'], lambda w: dict(a=w[:, 0], same=w[:, 0] - w[:, 2]), n=100)
    assert n['same'] == dict(low=0, high=0, left_out=0) and n['a']['low'] == 0 and n['a']['high'] == 2


def test_chunks_change_nothing(monkeypatch):
    patient, y, p = sample(2)
    whole = B.bootstrap(patient, suite(y, p, .5), n=50)
    monkeypatch.setattr(B, 'CHUNK', 7*len(y))
    assert B.bootstrap(patient, suite(y, p, .5), n=50) == whole
    assert B.bootstrap(patient, suite(y, p, .5), n=50, seed=1) != whole


def test_undefined_resamples_are_left_out_and_counted():
    patient, y, p = np.arange(4), np.array([1, 0, 0, 0]), np.array([.9, .1, .2, .3])
    got = B.bootstrap(patient, suite(y, p, .5), n=400, seed=0)
    one_class = (B.patient_counts(4, 400, 0)[:, 0] % 4 == 0).sum()
    assert got['auroc'] == dict(low=1., high=1., left_out=one_class)
    assert one_class/400 == pytest.approx((3/4)**4 + (1/4)**4, abs=.08)
    assert got['accuracy']['left_out'] == 0


def test_sums_by_patient_are_the_same_resamples():
    patient, y, p = sample(3)
    quick = B.bootstrap_sums(patient, B.four(y, p, .6), lambda s: rates(*s.T), n=60, seed=4)
    slow = B.bootstrap(patient, suite(y, p, .6), n=60, seed=4)
    assert quick == {k: pytest.approx(slow[k]) for k in RATES}
    with pytest.raises(InputError, match='no patient'): B.bootstrap_sums(['a', None], np.ones((2, 1)), lambda s: {})


@pytest.mark.parametrize('shift', [.5, 2.])
def test_coverage_of_a_known_auroc(shift):
    "Binormal scores of single images: AUROC is Phi(shift / sqrt 2)."
    truth, runs, covered = norm.cdf(shift/np.sqrt(2)), 150, 0
    for seed in range(runs):
        patient, y, p = sample(seed, patients=120, images=1, shift=shift)
        got = B.bootstrap(patient, B.weighted_ranks(y, p), n=200, seed=seed)['auroc']
        covered += got['low'] <= truth <= got['high']
    assert .89 <= covered/runs <= .99


def test_stated_says_why():
    assert B.stated(.5, dict(low=.4, high=.6, left_out=0), 'x') == dict(value=.5, low=.4, high=.6, left_out=0)
    assert B.stated(np.nan, dict(low=.4, high=.6, left_out=9), 'x') == dict(value=None, low=None, high=None, left_out=9,
                                                                           reason='not defined, because x')
    assert 'no interval' in B.stated(.5, dict(low=None, high=None, left_out=9), 'x')['reason']
    assert B.stated(.5, dict(low=.4, high=.6, left_out=9), 'x')['reason'] == '9 resamples left out, in which it is not defined'
    assert B.stated(.5, dict(low=.4, high=.6), 'x') == dict(value=.5, low=.4, high=.6)


def test_never_defined_and_one_patient():
    y, p = np.zeros(4, int), np.full(4, .2)
    assert B.bootstrap(np.arange(4), suite(y, p, .5), n=20)['auroc'] == dict(low=None, high=None, left_out=20)
    assert B.bootstrap(np.zeros(4), suite(y, p, .5), n=20)['accuracy'] == dict(low=None, high=None, left_out=20)


def test_width_of_a_proportion():
    y = np.ones(400, int)
    p = np.r_[np.full(100, .1), np.full(300, .9)]
    got = B.bootstrap(np.arange(400), suite(y, p, .5), n=2000)['recall']
    assert got['high'] - got['low'] == pytest.approx(2*1.96*np.sqrt(.75*.25/400), rel=.08)


@pytest.mark.slow
def test_coverage_and_why_patients_are_drawn():
    truth, runs, covered = norm.cdf(1/np.sqrt(2)), 200, np.zeros(2)
    for seed in range(runs):
        patient, y, p = sample(seed, patients=60, images=4)
        for i, unit in enumerate((patient, np.arange(len(y)))):
            got = B.bootstrap(unit, suite(y, p, .5), n=200, seed=seed)['auroc']
            covered[i] += got['low'] <= truth <= got['high']
    assert .89 <= covered[0]/runs <= .99
    assert covered[1]/runs < .8  # resampling images as if they were independent promises too much


def test_bad_input():
    with pytest.raises(InputError, match='1 of 2 rows name no patient'): B.bootstrap(['a', None], lambda w: {})
    with pytest.raises(InputError, match='level'): B.bootstrap(['a', 'b'], lambda w: {}, level=95)
    with pytest.raises(InputError, match='no predictions'): B.weighted([], [], np.ones((1, 0)), .5)


def test_four_thousand_predictions_within_ten_seconds():
    patient, y, p = sample(0, patients=2000)
    start = time.perf_counter()
    B.bootstrap(patient, suite(y, p, .5))
    assert time.perf_counter() - start < 10
