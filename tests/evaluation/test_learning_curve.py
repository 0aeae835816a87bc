import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.evaluation.learning_curve import FALLING, PERFECT, Fit, extrapolated, law, learning_curve, weights
from pneumo_fastai.evaluation.settings import Settings

N = np.array([50, 100, 250, 500, 1000.])


def curve(n, a, b, c=0): return 1 - c - a*np.asarray(n, dtype=float)**-b


def trainings(rng, truth, seeds=3, draws=60):
    "n, AUROC, share, and AUROC in draws of patients: chance in those moves all trainings alike, chance in training each by itself."
    n, of = np.repeat(N, seeds), np.repeat(np.arange(len(N)), seeds)
    sd = np.sqrt(truth(n)*(1 - truth(n)))
    auroc = truth(n) + rng.normal()*.04*sd + rng.normal(size=len(n))*.03*sd
    return n, auroc.clip(0, 1), of, (auroc + rng.normal(size=(draws, 1))*.04*sd).clip(0, 1)


@pytest.mark.parametrize('a, b, c', [(.9, .35, 0), (.9, .6, .02), (.5, .2, 0), (2., 1.1, .1)])
def test_a_known_law_is_found(a, b, c):
    error = 1 - curve(N, a, b, c)
    found = law(N/1000, error[None], weights(1 - error, np.arange(5)), floor=c > 0)
    np.testing.assert_allclose([v.item() for v in found], [a*1000**-b, b, c], rtol=1e-4, atol=1e-5)


def test_the_laws_are_the_least_squares_that_a_peer_finds():
    from scipy.optimize import least_squares
    rng = np.random.default_rng(0)
    n, auroc, of, _ = trainings(rng, lambda n: curve(n, .8, .5, .04))
    w = weights(auroc, of)
    def left(p, t=n/1000): return np.sqrt(w)*(p[2] + p[0]*t**-p[1] - 1 + auroc)
    best = min(least_squares(left, (.1, b, .01), bounds=([0, .01, 0], [1, 3, 1])).cost for b in (.2, .8))
    assert (left([v.item() for v in law(n/1000, 1 - auroc[None], w, True)])**2).sum()/2 == pytest.approx(best, rel=1e-3)


def test_forecasts_of_a_law_without_noise_are_that_law_and_so_are_those_from_the_smaller_shares():
    auroc = curve(N, .9, .4)
    found = extrapolated(N, auroc, np.arange(5), auroc[None].repeat(20, axis=0))
    assert [f['patients'] for f in found['forecasts']] == [2000, 10000]
    for f in found['forecasts']: assert f['value'] == pytest.approx(curve(f['patients'], .9, .4), abs=1e-4)
    assert [k['share'] for k in found['checks']] == [3, 4]
    assert all(k['inside'] and abs(k['error']) < 1e-4 and k['measured'] == pytest.approx(auroc[k['share']]) for k in found['checks'])


def test_a_curve_that_bends_away_from_its_law_is_told_by_the_check():
    auroc = np.array([.6, .7, .8, .8, .8])
    n, of, all_of = np.repeat(N, 4), np.repeat(np.arange(5), 4), np.repeat(auroc, 4) + np.tile([-.002, 0, 0, .002], 5)
    last = extrapolated(n, all_of, of, all_of[None].repeat(50, axis=0))['checks'][0]
    assert last['error'] > .03 and not last['inside'] and last['low'] > last['measured']


@pytest.mark.parametrize('a, b, c', [(.35*50**.4, .4, 0), (.3*50**.6, .6, .04)])
def test_intervals_of_forecasts_hold_the_truth_as_often_as_they_say(a, b, c):
    "Of 60 curves, 95% by name: 52 or more but for 1 in 100."
    rng, held = np.random.default_rng(3), np.zeros(2)
    for seed in range(60):
        fit = Fit(*trainings(rng, lambda n: curve(n, a, b, c)), np.random.default_rng(seed))
        held += [f['low'] <= curve(n, a, b, c) <= f['high'] for n in (2000, 10_000) for f in [fit.forecast(n)]]
    assert (held >= 52).all()


@pytest.mark.parametrize('n, auroc, why', [(N[:2], [.7, .8], 'takes 3 shares'), (N, [1.]*5, PERFECT), (N, [.8, .8, .79, .78, .7], FALLING)])
def test_where_no_law_can_be_fitted_it_says_why(n, auroc, why):
    auroc = np.array(auroc)
    found = extrapolated(n, auroc, np.arange(len(n)), auroc[None].repeat(5, axis=0))
    assert list(found) == ['reason'] and why in found['reason']


def shares(table, fractions, seeds=2):
    def one(f, s):
        rows, rng = table(160), np.random.default_rng(s)
        return rows.assign(probability=1/(1 + np.exp(-rng.normal(4*f*rows.label))))
    return {f: dict(patients=[round(400*f)]*seeds, tables={f'seed={s}': one(f, s) for s in range(seeds)}) for f in fractions}


def test_points_are_measured_over_the_split_and_ordered_by_patients(table, sound):
    found = sound(learning_curve(shares(table, (.5, .1, .3)), 'valid', Settings(n_boot=30)))
    assert [p['patients'] for p in found['points']] == [40, 120, 200] and len(found['laws']) == 1 and not found['checks']
    assert all(len(p['by_repetition']) == 2 and p['low'] < p['mean'] < p['high'] for p in found['points'])
    assert found['line'][0]['patients'] == pytest.approx(40) and found['line'][-1]['patients'] == pytest.approx(2000)


def test_a_class_without_images_has_points_and_no_law(table):
    some = shares(table, (.1, .3, .5))
    for s in some.values(): s['tables'] = {k: t.assign(label=0) for k, t in s['tables'].items()}
    found = learning_curve(some, 'test', Settings(n_boot=5))
    assert found['reason'].startswith('not defined') and [p['mean'] for p in found['points']] == [None]*3 and not found['line']


def test_what_depends_on_the_seed_repeats(table):
    one, again = (learning_curve(shares(table, (.1, .3, .5, .9)), 'valid', Settings(n_boot=30)) for _ in range(2))
    assert one == again and isinstance(pd.DataFrame(one['line']).iloc[0]['low'], float)
