import json

import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.evaluation.adapted import difference, evaluate_adapted
from pneumo_fastai.evaluation.calibrators import apply, log_loss, sigmoid
from pneumo_fastai.evaluation.settings import Settings

RULE = Settings(n_boot=5, rule='sensitivity', sensitivity=.9)
METRICS = dict(threshold=dict(value=.5, rule='youden on valid'), valid=dict(prevalence=.3),
               calibration=dict(chosen=dict(method='temperature', temperature=1.5)))


@pytest.fixture(scope='module')
def rows():
    rng = np.random.default_rng(0)
    x = 1.5*rng.normal(size=240) - .4
    return pd.DataFrame(dict(path=[f'{i}' for i in range(240)], patient=[f'p{i//2}' for i in range(240)],
                             split=np.where(np.arange(240) < 80, 'valid', 'test'), label=(rng.random(240) < sigmoid(x)).astype(int),
                             probability=sigmoid(3*x + 2).round(6)))


@pytest.fixture(scope='module')
def found(rows): return evaluate_adapted(rows, None, METRICS, RULE, 2, '40 patients of x')


def test_before_is_what_the_run_chose_and_after_what_the_patients_chose(found, rows, sound):
    sound(json.loads(json.dumps(found)))
    test, here = rows[rows.split == 'test'], found['adaptation']
    assert found['threshold']['value'] == found['test']['at_threshold']['threshold'] != here['before']['threshold'] == .5
    assert found['threshold']['rule'] == 'sensitivity of at least 0.9 on 40 patients of x'
    own = apply(METRICS['calibration']['chosen'], test.probability)
    assert found['calibration']['before']['log_loss']['value'] == pytest.approx(log_loss(test.label, own).mean())
    after = apply(found['calibration']['chosen'], test.probability)
    assert found['calibration']['after']['log_loss']['value'] == pytest.approx(log_loss(test.label, after).mean())
    assert found['calibration']['kept'] == here['kept'] != 'own' and [row['n'] for row in here['sizes']] == [25, 40, 50, 100]
    valid = rows[rows.split == 'valid']
    assert found['uncertainty']['conformal']['fitted']['n'] == {str(c): int((valid.label == c).sum()) for c in (0, 1)}


def test_differences_are_after_less_before(found):
    less, here = found['adaptation']['difference'], found['adaptation']
    for name in ('recall', 'specificity'):
        assert less[name]['value'] == pytest.approx(found['test']['at_threshold'][name]['value'] - here['before'][name]['value'])
    after, before = (found['calibration'][k]['log_loss']['value'] for k in ('after', 'before'))
    assert less['log_loss']['value'] == pytest.approx(after - before) and less['log_loss']['high'] < 0


def test_where_nothing_moves_there_is_no_interval_and_why(rows):
    own = dict(threshold=.5, calibrator=dict(method='none'))
    same = difference(rows, own, .5, dict(method='none'))
    for found in same.values(): assert found['value'] == 0 and 'is the same for every image' in found['reason']
    assert set(same) == {'recall', 'specificity', 'log_loss'}


def test_the_interval_of_the_log_loss_is_that_of_drawing_patients(rows):
    own, then = dict(threshold=.5, calibrator=dict(method='none')), dict(method='temperature', temperature=2.)
    less = (log_loss(rows.label, apply(then, rows.probability)) - log_loss(rows.label, rows.probability)).reshape(-1, 2).mean(1)
    drawn = np.random.default_rng(0).choice(less, (4000, len(less))).mean(1)
    got = difference(rows, own, .5, then)['log_loss']
    ends = np.quantile(drawn, [.025, .975])
    np.testing.assert_allclose([got['low'], got['high']], ends, atol=.15*np.ptp(ends))
