import json
from functools import cache

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, entropy

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation import uncertainty as U
from pneumo_fastai.evaluation.calibrators import logit, sigmoid


def sample(rng, n, prevalence=.3):
    y = (rng.random(n) < prevalence).astype(int)
    return y, sigmoid(rng.normal(2*y - 1, 1.2))


@pytest.fixture
def many_fits(monkeypatch):
    "What follows from the number of images alone is worked out once."
    monkeypatch.setattr(U, 'expected_coverage', cache(U.expected_coverage))


def rows(y, p): return pd.DataFrame(dict(patient=np.arange(len(y)), label=y, probability=p))
def fitted(valid, error_rate): return U.fit_conformal(valid['label'], valid['probability'], error_rate)


@pytest.mark.parametrize('error_rate', [.05, .2])
def test_coverage_lies_within_its_bounds(many_fits, error_rate):
    "Over many draws of valid the mean coverage of a class lies between 1 - error and 1 - error + 1/(n + 1)."
    rng, found = np.random.default_rng(0), []
    big_y, big_p = sample(rng, 40_000)
    for _ in range(600):
        y = np.repeat([0, 1], [60, 30])
        p = sigmoid(rng.normal(2*y - 1, 1.2))
        sets = U.conformal_sets(U.fit_conformal(y, p, error_rate), big_p)
        found.append([sets[big_y == c, c].mean() for c in (0, 1)])
    for c, n in ((0, 60), (1, 30)):
        mean, error = np.mean(found, axis=0)[c], np.std(found, axis=0)[c]/np.sqrt(600)
        assert 1 - error_rate - 4*error - .004 <= mean <= 1 - error_rate + 1/(n + 1) + 4*error + .004
        k = int(np.ceil((n + 1)*(1 - error_rate)))
        assert np.std(found, axis=0)[c] == pytest.approx(beta(k, n + 1 - k).std(), rel=.1)  # its exact law (Vovk 2012)


@pytest.mark.parametrize('error_rate, n', [(.1, 200), (.1, 18), (.25, 60)])
def test_what_coverage_is_to_be_expected_of_one_valid(many_fits, error_rate, n):
    "Where the probability of a negative is uniform, its limit is the coverage itself: its quantiles and its share below, over many valids."
    rng, y = np.random.default_rng(n), np.zeros(n, int)
    fits = [U.fit_conformal(y, rng.random(n), error_rate) for _ in range(4000)]
    true, expected = np.array([f['limit']['0'] for f in fits]), fits[0]['expected']['0']
    assert [expected[k] for k in ('mean', 'low', 'high')] == pytest.approx([true.mean(), *np.quantile(true, [.025, .975])], abs=.006)
    assert expected['below'] == pytest.approx((true < 1 - error_rate).mean(), abs=.03)
    assert 1 - error_rate <= expected['mean'] <= 1 - error_rate + 1/(n + 1)
    assert fits[0]['expected']['1'] == dict(mean=1., low=1., high=1., below=0.)  # without an image of a class, it is in every set


def test_each_class_is_covered_where_one_limit_for_both_would_fail_the_rare_one():
    rng = np.random.default_rng(1)
    valid, test = (rows(*sample(rng, 8000, .05)) for _ in range(2))
    for frame in (valid, test): frame['probability'] = sigmoid(logit(frame.probability) - 2.9)  # as a model knows it that is rare
    got = U.conformal(fitted(valid, .1), test)
    for name in ('no pneumonia', 'pneumonia'): assert got['by_class'][name]['coverage']['value'] == pytest.approx(.9, abs=.05)
    own = np.where(valid.label == 1, valid.probability, 1 - valid.probability)
    assert (own[valid.label == 1] >= np.quantile(own, .1)).mean() < .6


def test_sets_and_views():
    rng = np.random.default_rng(2)
    valid, test = rows(*sample(rng, 400)), rows(*sample(rng, 300))
    view = np.where(np.arange(300) % 2, 'AP', 'PA').astype(object)
    got = json.loads(json.dumps(U.conformal(fitted(valid, .2), test, view), allow_nan=False))
    sets = U.conformal_sets(got['fitted'], test.probability)  # also after JSON
    assert [sum(o[t] for o in got['sets']) for t in ('no pneumonia', 'pneumonia')] == [300 - test.label.sum(), test.label.sum()]
    both = next(o for o in got['sets'] if o['set'] == 'both')
    assert both['pneumonia'] == (sets.all(1) & (test.label == 1)).sum()
    rows_of = (view == 'AP') & (test.label == 1)
    part = got['by_view']['AP, pneumonia']
    assert part['n'] == rows_of.sum() and part['coverage']['value'] == pytest.approx(sets[rows_of, 1].mean())


def test_too_few_images_leave_the_class_in():
    valid, test = rows(np.array([0]*30 + [1]*5), np.linspace(0, 1, 35)), rows(np.array([0, 1]), np.array([.9, 0.]))
    got = U.conformal(fitted(valid, .1), test)
    assert U.conformal_sets(got['fitted'], test.probability)[:, 1].all() and 'class 1' in got['note']
    assert U.fit_conformal(np.array([], int), np.array([]), .1)['limit'] == {'0': 1., '1': 1.}
    with pytest.raises(InputError, match='error rate'): U.fit_conformal([0], [.1], 1.)


def test_risk_coverage_by_hand():
    y, p = np.array([1, 0, 0, 1]), np.array([.95, .2, .6, .45])  # surest first: right, right, wrong, wrong
    got = U.risk_coverage(y, p, .5)
    assert got['coverage'] == [.25, .5, .75, 1.] and got['risk'] == pytest.approx([0, 0, 1/3, .5])
    assert got['area'] == pytest.approx((0 + 0 + 1/3 + .5)/4)
    tied = U.risk_coverage(y, np.full(4, .6), .5)
    assert tied['risk'] == pytest.approx([.5]*4)  # equally sure: the order of the file must not matter
    rng = np.random.default_rng(0)
    long = U.risk_coverage(*sample(rng, 5000), .5)
    assert len(long['risk']) == U.POINTS and long['risk'][-1] > long['risk'][20]


def test_certainty_is_distance_from_the_threshold_in_use():
    assert np.argmin(U.confidence([.1, .2, .5], .2)) == 1


def test_referral_by_hand():
    y, p = np.r_[np.ones(4, int), np.zeros(6, int)], np.array([.95, .9, .8, .45, .1, .1, .1, .1, .2, .6])
    same = rows(y, p)
    got = {o['asked']: o for o in U.referral(same, same, .5)}
    assert got[0.]['accuracy']['value'] == .8 and got[0.]['n'] == 10
    assert got[.2]['accuracy']['value'] == 1 and got[.2]['n'] == 8 and got[.2]['referred'] == pytest.approx(.2)
    assert got[.5]['n'] == 6  # the surest five would part four of equal certainty: they stay together
    equal = rows(y, np.full(10, .5))
    assert all(o['referred'] == 0 for o in U.referral(equal, equal, .3))


def test_who_is_referred_is_settled_by_valid():
    "At a threshold of 0.5 the nearest fifth of valid lies between .46 and .54; of test nobody does, or everybody, or one."
    valid = rows(np.arange(10) % 2, np.array([.48, .53, .3, .7, .2, .8, .1, .9, .05, .95]))
    def referred(p): return U.referral(valid, rows(np.arange(len(p)) % 2, np.array(p)), .5, shares=(0, .2))
    assert [o['referred'] for o in referred([.2, .8, .31, .69])] == [0, 0]
    assert [(o['referred'], o['n']) for o in referred([.49, .52, .5, .46])] == [(0, 4), (1, 0)]
    assert [o['referred'] for o in referred([.49, .8, .2, .9])] == [0, .25]


def test_entropy_and_mutual_information():
    p = np.array([[0., .2, 1.], [1., .2, 1.]])
    assert U.entropy(p) == pytest.approx(entropy(np.stack([p, 1 - p]), axis=0))
    assert U.mutual_information(p) == pytest.approx([np.log(2), 0, 0])
    rng = np.random.default_rng(0)
    members = rng.random((5, 200))
    information = U.mutual_information(members)
    joint = np.stack([members, 1 - members])/5  # of member and outcome, by its definition
    expected = (joint*np.log(joint/(joint.sum(1, keepdims=True)/5))).sum((0, 1))
    assert information == pytest.approx(expected) and (information >= 0).all() and (information <= np.log(2)).all()
    assert (U.mutual_information(members[:1]) == 0).all()


def test_probabilities_that_are_none_are_refused():
    for bad, words in ((np.zeros(3), 'members, n'), ([[1.2]], 'softmax'), ([[np.nan]], 'softmax')):
        with pytest.raises(InputError, match=words): U.mutual_information(bad)
