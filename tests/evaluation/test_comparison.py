import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation import comparison as C
from pneumo_fastai.evaluation.metrics import EVERY, measure
from pneumo_fastai.evaluation.settings import Settings


def scores(rng, y, shifts, rho=.5):
    "Binormal scores of two models, correlated by `rho`; AUROC is Phi(shift / sqrt 2)."
    noise = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], len(y))
    return [norm.cdf(shift*y + noise[:, i]) for i, shift in enumerate(shifts)]


@pytest.mark.parametrize('decimals', [1, 12])
def test_delong_is_the_u_statistic(decimals):
    rng = np.random.default_rng(0)
    y = np.repeat([1, 0], [23, 31])
    ps = [p.round(decimals) for p in scores(rng, y, (1, .4))]
    wins = [(p[y == 1][:, None] > p[y == 0]) + .5*(p[y == 1][:, None] == p[y == 0]) for p in ps]  # every pair, spelled out
    expected = np.cov([w.mean(1) for w in wins])/23 + np.cov([w.mean(0) for w in wins])/31
    auc, cov = C.delong(np.arange(54), y, *ps)
    assert auc == pytest.approx([roc_auc_score(y, p) for p in ps]) and cov == pytest.approx(expected)


@pytest.mark.slow
def test_delong_against_simulation():
    rng, y, each = np.random.default_rng(1), np.repeat([1, 0], [60, 90]), np.arange(150)
    found = [C.delong_test(each, y, *scores(rng, y, (1.2, .8))) for _ in range(800)]
    differences = np.array([f['difference'] for f in found])
    truth = norm.cdf(1.2/np.sqrt(2)) - norm.cdf(.8/np.sqrt(2))
    assert np.mean([f['standard_error'] for f in found]) == pytest.approx(differences.std(), rel=.08)
    assert .93 <= np.mean([f['low'] <= truth <= f['high'] for f in found]) <= .97
    null = [C.delong_test(each, y, *scores(rng, y, (1, 1)))['p'] for _ in range(800)]
    assert .03 <= np.mean(np.array(null) < .05) <= .07


def test_delong_without_an_answer():
    y, p = np.array([0, 0, 1, 1]), np.array([.1, .3, .2, .4])
    each = np.arange(4)
    for found, words in ((C.delong_test(each, y, p, p/2), 'does not vary'), (C.delong_test(each, [0, 0, 0, 1], p, p), 'fewer than two'),
                         (C.delong_test([1, 2, 3, 3], y, p, p**2), 'fewer than two patients')):
        assert found['p'] is None and words in found['reason']
    assert C.delong_test(each, y, p, p/2)['difference'] == 0


def run(y, p, patient=None, first=200):
    n = len(y)
    return pd.DataFrame(dict(path=[f'{i:04}' for i in range(n)], patient=np.arange(n)//2 if patient is None else patient,
                             split=np.where(np.arange(n) < first, 'valid', 'test'), label=y, probability=p))


@pytest.fixture(scope='module')
def two():
    rng, y = np.random.default_rng(2), (np.arange(500)//2 % 3 == 0).astype(int)
    return [run(y, p) for p in scores(rng, y, (2, .8))]


def test_compare(two):
    a, b = two
    got = C.compare(a, b.sample(frac=1, random_state=0), Settings(n_boot=200))
    json.dumps(got, allow_nan=False)
    test = [t[t.split == 'test'] for t in two]
    at = [measure(t.label, t.probability, .5) for t in test]
    for k in EVERY:
        d = got['difference']['at_0.5'][k]
        assert d['value'] == pytest.approx(at[0][k] - at[1][k]) and d['low'] <= d['value'] <= d['high']
        assert got['a']['at_0.5'][k]['value'] == at[0][k]
    assert got['n'] == 300 and got['patients'] == 150
    assert got['difference']['at_threshold']['auroc']['low'] > 0 and got['delong']['p'] < .001
    back = C.compare(b, a, Settings(n_boot=200))
    assert back['delong']['z'] == pytest.approx(-got['delong']['z'])
    assert back['difference']['at_0.5']['auroc']['low'] == pytest.approx(-got['difference']['at_0.5']['auroc']['high'])


def test_pairing_narrows_the_interval(two):
    "What both find hard drops out: the paired interval is narrower than two independent ones would make it."
    got = C.compare(*two, Settings(n_boot=300))
    def width(m): return m['high'] - m['low']
    alone = np.hypot(width(got['a']['at_0.5']['auroc']), width(got['b']['at_0.5']['auroc']))
    assert width(got['difference']['at_0.5']['auroc']) < .9*alone


def test_a_run_beside_itself(two):
    got = C.compare(two[0], two[0], Settings(n_boot=50))
    assert all(got['difference'][t][k]['value'] == 0 == got['difference'][t][k]['high'] for t in ('at_threshold', 'at_0.5') for k in EVERY)
    assert got['delong']['p'] is None


def test_an_undefined_difference_has_a_reason():
    y = np.r_[np.arange(200) % 2, np.zeros(50, int)]
    got = C.compare(*[run(y, np.linspace(.1, .9, 250))]*2, Settings(n_boot=20))
    assert got['difference']['at_0.5']['auroc']['reason'] == 'not defined, because the images are all of one class'
    json.dumps(got, allow_nan=False)


def test_runs_that_cannot_be_compared(two):
    a, b = two
    for other, words in ((b.iloc[:-1], 'differ in 1 images'), (b.assign(label=1 - b.label), 'another label'),
                         (b.assign(patient=b.patient + 1), 'another patient')):
        with pytest.raises(InputError, match=words): C.compare(a, other)
