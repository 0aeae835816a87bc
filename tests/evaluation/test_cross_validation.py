import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from pneumo_fastai.evaluation.calibrators import apply
from pneumo_fastai.evaluation.cross_validation import COLUMNS, FROM, calibrated_folds, evaluate_folds, spread, within
from pneumo_fastai.evaluation.metrics import EVERY
from pneumo_fastai.evaluation.results import chosen, evaluate
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
        alone, one = evaluate(run.predictions, 20, class_weights=run.class_weights()), result['by_fold'][k - 1]
        mine = rows[rows.fold == k]
        assert [one[m] for m in EVERY] == [alone['test']['at_threshold'][m]['value'] for m in EVERY]
        assert (mine.threshold == alone['threshold']['value']).all() and (mine.called == (mine.probability >= mine.threshold)).all()
        assert one['threshold'] == alone['threshold']['value'] and one['calibrator'] == alone['calibration']['chosen']
        np.testing.assert_allclose(mine.calibrated, apply(one['calibrator'], mine.probability))


def test_rows_are_those_of_the_evaluation(found):
    cv, _, rows = found
    pd.testing.assert_frame_equal(calibrated_folds(cv)[COLUMNS].sort_values('path', ignore_index=True), rows.reset_index(drop=True))


def test_pooled_and_spread_follow_from_the_rows(found, sound):
    _, result, rows = found
    sound(json.loads(json.dumps(result)))
    auroc, each = result['metrics']['auroc'], [roc_auc_score(g.label, g.probability) for _, g in rows.groupby('fold')]
    assert result['n'] == len(rows) == 300 and result['patients'] == 100
    assert auroc['by_fold'] == pytest.approx(each) and auroc['mean'] == pytest.approx(np.mean(each))
    assert auroc['sd'] == pytest.approx(np.std(each, ddof=1))
    assert auroc['pooled']['value'] == pytest.approx(roc_auc_score(rows.label, rows.probability))
    assert result['metrics']['accuracy']['pooled']['value'] == pytest.approx(accuracy_score(rows.label, rows.called))
    assert result['test']['at_threshold']['threshold'] is None and result['test']['at_0.5']['threshold'] == .5
    assert result['auroc_within_folds']['value'] > auroc['pooled']['value']  # the scales were moved apart


def test_subgroups_call_each_image_at_the_threshold_of_its_fold(found):
    cv, result, rows = found
    rows = rows.join(cv.cohort.set_index('path')[['sex', 'view']], on='path')
    for name in ('sex', 'view'):
        for g in result['subgroups']['by'][name]['groups']:
            mine = rows[rows[name] == g['group']]
            assert g['recall']['value'] == pytest.approx(mine.called[mine.label == 1].mean()) and g['n'] == len(mine)
            assert g['specificity']['value'] == pytest.approx(1 - mine.called[mine.label == 0].mean())


def test_the_ensemble_goes_by_what_single_networks_said(found):
    _, result, rows = found
    assert result['ensemble']['threshold'] == chosen(rows, FEW, FROM) and result['ensemble']['members'] == 3
    assert result['ensemble']['threshold']['rule'] == 'youden on the out-of-fold probabilities of single networks'


def test_options_reach_the_folds_and_the_ensemble(found):
    cv = found[0]
    result, _ = evaluate_folds(cv, Settings(n_boot=20, rule='sensitivity', sensitivity=.95, prevalence=.05))
    for one, fold in zip(cv.folds, result['by_fold'], strict=True):
        valid = one.predictions.query('split == "valid" and label == 1')
        assert (valid.probability >= fold['threshold']).mean() >= .95 and fold['rule'].startswith('sensitivity')
    assert result['ensemble']['threshold']['rule'].startswith('sensitivity') and result['test']['at_threshold']['at_prevalence']


def test_warnings_name_the_fold(write_folds, predict_anew, tmp_path):
    folder = write_folds(tmp_path/'cv', k=2)
    rows = pd.read_csv(folder/'fold-2'/'predictions.csv')
    rows.loc[rows.split == 'valid', 'label'] = 0
    predict_anew(folder/'fold-2', rows)
    environment = json.loads((folder/'fold-2'/'environment.json').read_text()) | dict(packages=dict(torch='2.15'))
    (folder/'fold-2'/'environment.json').write_text(json.dumps(environment))
    result, _ = evaluate_folds(read_folds(folder), FEW)
    assert 'Fold 2: the threshold is 0.5, valid has one class only.' in result['warnings']
    assert 'fold 2 of 2 was trained with another version of torch than fold 1.' in result['warnings']


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
