import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.evaluation import draws as D
from pneumo_fastai.evaluation.calibrators import sigmoid
from pneumo_fastai.evaluation.settings import Settings

OWN = dict(threshold=.5, rule='youden on valid', calibrator=dict(method='none'), prevalence=.42)
RULE = Settings(rule='sensitivity', sensitivity=.8)


def table(hot=1., up=0., n=400, seed=0):
    rng = np.random.default_rng(seed)
    x = 1.5*rng.normal(size=n) - .4
    return pd.DataFrame(dict(patient=[f'{i//2}' for i in range(n)], label=(rng.random(n) < sigmoid(x)).astype(int),
                             probability=sigmoid(hot*x + up)))


@pytest.fixture(scope='module')
def fine(): return D.repeated(table(), OWN, RULE, 6, (25, 50, 200))


@pytest.fixture(scope='module')
def wrong(): return D.repeated(table(hot=4., up=2.), dict(OWN, threshold=.01), RULE, 6, (25, 50))  # whose threshold finds nearly all


def test_sizes_are_those_that_leave_patients_to_measure_on(fine):
    assert [row['n'] for row in fine] == [25, 50] and [row['images'] for row in fine] == [50, 100]
    assert all(sum(row['kept'].values()) == row['draws'] == 6 and row['one_class'] == 0 for row in fine)


def test_where_nothing_is_wrong_it_does_not_help_and_says_so(fine):
    assert all(row['change']['after']['log_loss']['says'] in (D.NOT, D.HARMS) for row in fine)
    assert all(abs(row['change']['after']['log_loss']['mean']) < .05 for row in fine)


def test_where_probabilities_are_wrong_it_helps_on_others(wrong):
    for row in wrong:
        assert row['change']['after']['log_loss']['says'] == row['change']['after']['ece']['says'] == D.HELPS
        assert row['after']['log_loss']['mean'] < row['before']['log_loss']['mean'] - .3
    assert wrong[1]['change']['after']['off']['says'] == D.HELPS and abs(wrong[1]['after']['sensitivity']['mean'] - .8) < .06


def test_prevalence_is_counted_and_where_it_alone_may_differ_guessed(fine):
    for row in fine:
        truth = row['prevalence']['true']['mean']
        assert row['prevalence']['with_labels']['mean'] == pytest.approx(truth, abs=.06)
        assert row['prevalence']['without_labels']['mean'] == pytest.approx(truth, abs=.1)


def test_patients_of_the_draw_are_not_measured(monkeypatch):
    "Those that are measured and those that are fitted have no patient in common, and are all together."
    rows, seen = table(n=120), {}
    fitted, measured = D.choose_recalibrator, D.measured
    def fit(y, p, patient, own, seed):
        seen['fitted'] = set(p)
        return fitted(y, p, patient, own, seed)
    def measure(y, p, *rest):
        assert not seen['fitted'] & set(p) and seen['fitted'] | set(p) == set(rows.probability)
        return measured(y, p, *rest)
    monkeypatch.setattr(D, 'choose_recalibrator', fit)
    monkeypatch.setattr(D, 'measured', measure)
    assert len(D.repeated(rows, OWN, RULE, 2, (25,))) == 1 and 'fitted' in seen


def test_a_draw_of_one_class_leaves_the_run_as_it_is():
    rows = table(n=400)
    rows.loc[8:, 'label'] = 0
    rows.loc[:7, 'label'] = 1
    row, = D.repeated(rows, OWN, RULE, 4, (10,))
    assert row['one_class'] > 0 and row['kept']['own'] >= row['one_class']


@pytest.mark.parametrize('after, says', [([.4, .5, .45], D.HELPS), ([.9, .2, .58], D.NOT), ([.8, .81, .79], D.HARMS), ([.6]*3, D.NOT)])
def test_it_helps_where_it_falls_by_more_than_the_draws_differ(after, says):
    found = D.change([.6, .6, .6], after)
    assert found['says'] == says and found['better'] == np.mean(np.array(after) < .6)
    assert found['mean'] == pytest.approx(np.mean(after) - .6) and found['sd'] == pytest.approx(np.std(after, ddof=1))


def test_of_one_draw_there_is_no_spread(): assert D.over([.5]) == dict(mean=.5, sd=None, low=.5, high=.5)
