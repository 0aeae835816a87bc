import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pneumo_fastai.evaluation.cross_validation import COLUMNS, evaluate_folds, spread, within
from pneumo_fastai.evaluation.metrics import EVERY
from pneumo_fastai.evaluation.results import evaluate
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.runs.folds import read_folds

FEW = Settings(n_boot=20)


@pytest.fixture(scope='module')
def found(write_folds, tmp_path_factory):
    "(the `CrossValidation`, its result, its rows)."
    cv = read_folds(write_folds(tmp_path_factory.mktemp('folds')/'cv'))
    return cv, *evaluate_folds(cv, FEW)


def test_a_fold_says_what_it_says_as_a_run_of_its_own(found):
    cv, result, rows = found
    assert list(rows) == COLUMNS and sorted(rows.path) == sorted(cv.cohort.path)
    for k, run in enumerate(cv.folds, 1):
        alone, one, mine = evaluate(run.predictions, 20), result['by_fold'][k - 1], rows[rows.fold == k]
        assert [one[m] for m in EVERY] == [alone['test']['at_threshold'][m]['value'] for m in EVERY]
        assert (mine.threshold == alone['threshold']['value']).all() and (mine.called == (mine.probability >= mine.threshold)).all()


def test_within_folds_pairs_are_of_one_fold_and_weigh_alike(found):
    _, result, rows = found
    each = [roc_auc_score(g.label, g.probability) for _, g in rows.groupby('fold')]
    pairs = [g.label.sum()*(g.label == 0).sum() for _, g in rows.groupby('fold')]
    assert result['auroc_within_folds'] == within(rows, rows.probability)
    assert result['auroc_within_folds']['value'] == pytest.approx(np.average(each, weights=pairs))
    assert within(rows, rows.label + 10*rows.fold)['value'] == 1 and within(rows, 10*rows.fold - rows.label)['value'] == 0
    assert within(rows.assign(label=0), rows.probability)['reason'] == 'not defined, because no fold has images of both classes'


def test_mean_and_spread_are_of_the_folds_in_which_a_metric_is_defined():
    assert spread([.5, None, .7]) == pytest.approx(dict(mean=.6, sd=.02**.5)) and spread([None, 1.]) == dict(mean=1., sd=None)
    assert spread([None]) == dict(mean=None, sd=None)
