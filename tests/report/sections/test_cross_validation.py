import json
import re
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from pneumo_fastai.cli import run
from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluate import evaluate
from pneumo_fastai.evaluation.calibrators import apply
from pneumo_fastai.evaluation.cross_validation import spread, within
from pneumo_fastai.evaluation.metrics import EVERY, METRICS
from pneumo_fastai.evaluation.results import chosen
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.report.html import MARK
from pneumo_fastai.report.page import write_page
from pneumo_fastai.report.registry import sections_of
from pneumo_fastai.report.sections.cross_validation import on_screen, shown
from pneumo_fastai.report.written import measure as measure_run
from pneumo_fastai.report.written import measure_folds as measure
from pneumo_fastai.report.written import rewrite_folds
from pneumo_fastai.runs.folder import chosen_since, read_run
from pneumo_fastai.runs.folds import read_folds

FEW = Settings(n_boot=20)
K = 3


@pytest.fixture(scope='session')
def write_folds(write_run):
    def make(folder, synthetic=False, k=K):
        "A cross-validation's folder as fit leaves it, but for the networks; a patient's fold follows from their number."
        folder.mkdir(parents=True)
        (folder/'experiment.toml').write_text(f'class_weights = "balanced"\nfolds = {k}\n')
        for i in range(k):
            fold = write_run(folder/f'fold-{i + 1}', seed=i, synthetic=synthetic, name=f'weighted, fold {i + 1} of {k}')
            table, rng = pd.read_csv(fold/'split.csv'), np.random.default_rng(i)
            patient = table.patient.str[1:].astype(int)
            table['split'] = np.where(patient//3 % k == i, 'test', np.where(patient % 4, 'train', 'valid'))
            table.to_csv(fold/'split.csv', index=False)
            p = 1/(1 + np.exp(-rng.normal(3*table.label - 1.5 + i, 1.5)))  # each network has a scale of its own
            saved = table.assign(probability=p).loc[table.split != 'train', ['path', 'patient', 'split', 'label', 'probability']]
            saved.to_csv(fold/'predictions.csv', index=False)
        return folder
    return make


@pytest.fixture(scope='module')
def three(tmp_path_factory, write_folds):
    "(folder, its `CrossValidation`, what cv.json holds, out_of_fold.csv)."
    folder = write_folds(tmp_path_factory.mktemp('pooled')/'cv')
    cv, result = rewrite_folds(folder, FEW)
    return folder, cv, result, pd.read_csv(folder/'out_of_fold.csv')


def test_each_image_is_measured_once_as_its_fold_says(three):
    folder, cv, result, rows = three
    assert sorted(rows.path) == sorted(cv.cohort.path) and result['n'] == len(rows) == 300 and result['patients'] == 100
    assert json.loads((folder/'cv.json').read_text()) == result
    for k in range(1, K + 1):
        metrics, one, mine = measure_run(read_run(folder/f'fold-{k}'), FEW), result['by_fold'][k - 1], rows[rows.fold == k]
        assert [one[m] for m in EVERY] == [metrics['test']['at_threshold'][m]['value'] for m in EVERY]
        assert one['threshold'] == metrics['threshold']['value'] and one['calibrator'] == metrics['calibration']['chosen']
        assert (mine.called == (mine.probability >= one['threshold'])).all()
        np.testing.assert_allclose(mine.calibrated, apply(one['calibrator'], mine.probability), atol=1e-6)


def test_mean_spread_and_pooled_follow_from_the_rows(three, sound):
    _, _, result, rows = three
    sound(json.loads(json.dumps(result)))
    auroc = result['metrics']['auroc']
    each = [roc_auc_score(g.label, g.probability) for _, g in rows.groupby('fold')]
    assert auroc['by_fold'] == pytest.approx(each) and auroc['mean'] == pytest.approx(np.mean(each))
    assert auroc['sd'] == pytest.approx(np.std(each, ddof=1))
    assert auroc['pooled']['value'] == pytest.approx(roc_auc_score(rows.label, rows.probability))
    assert result['metrics']['accuracy']['pooled']['value'] == pytest.approx(accuracy_score(rows.label, rows.called))
    assert result['test']['at_threshold']['threshold'] is None and result['test']['at_0.5']['threshold'] == .5
    pairs = [g.label.sum()*(g.label == 0).sum() for _, g in rows.groupby('fold')]
    assert result['auroc_within_folds']['value'] == pytest.approx(np.average(each, weights=pairs))
    assert result['auroc_within_folds']['value'] > auroc['pooled']['value']  # the scales were moved apart
    assert spread([.5, None, .7]) == pytest.approx(dict(mean=.6, sd=.02**.5)) and spread([None, 1.]) == dict(mean=1., sd=None)


def test_subgroups_call_each_image_at_its_own_threshold(three):
    _, cv, result, rows = three
    rows = rows.join(cv.cohort.set_index('path')[['sex', 'view']], on='path')
    for name in ('sex', 'view'):
        for g in result['subgroups']['by'][name]['groups']:
            mine = rows[rows[name] == g['group']]
            assert g['recall']['value'] == pytest.approx(mine.called[mine.label == 1].mean()) and g['n'] == len(mine)
            assert g['specificity']['value'] == pytest.approx(1 - mine.called[mine.label == 0].mean())


def test_within_folds_only_the_order_in_a_fold_counts(three):
    rows = three[3]
    assert within(rows, rows.label + 10*rows.fold)['value'] == 1 and within(rows, 10*rows.fold - rows.label)['value'] == 0
    assert within(rows.assign(label=0), rows.probability)['reason'] == 'not defined, because no fold has images of both classes'


def test_the_ensemble_takes_what_the_rows_of_single_networks_say(three, tmp_path):
    folder, _, result, rows = three
    found = chosen_since(folder)
    assert found['threshold'] == result['ensemble']['threshold']['value'] == pytest.approx(chosen(rows, FEW)['value'])
    assert found['threshold_from'] == 'youden on the out-of-fold probabilities of single networks'
    assert found['calibrator'] == result['ensemble']['calibration']['chosen']
    assert chosen_since(folder/'nothing') == {} and 'Not known: how well it does' in (folder/'report.html').read_text()
    (tmp_path/'cv.json').write_text('{"folds": 3}')  # of before it said so
    assert chosen_since(tmp_path) == {}


def test_evaluate_writes_everything_again_and_leaves_the_folds_alone(write_folds, tmp_path, capsys):
    folder = write_folds(tmp_path/'cv', synthetic=True)
    before = {p: p.read_bytes() for p in folder.rglob('*') if p.is_file()}
    assert run(evaluate, [str(folder), '--n-boot', '20']) == 0
    first = {p: p.read_bytes() for p in folder.rglob('*') if p.is_file()}
    figures = {'roc_by_fold.png', 'reliability.png', 'subgroups.png'}
    assert {p.name for p in set(first) - set(before)} == figures | {'cv.json', 'out_of_fold.csv', 'report.html'}
    assert before.items() <= first.items()
    assert run(evaluate, [str(folder), '--n-boot', '20']) == 0
    assert {p: p.read_bytes() for p in folder.rglob('*') if p.is_file()} == first
    screen = ' '.join(capsys.readouterr().out.split())
    assert f'{folder}/report.html' in screen and 'synthetic' in screen and 'of 3 folds' in screen and 'mean ± sd' in screen
    text = (folder/'report.html').read_text()
    for name, body in re.findall(r'<section id="(\w+)">(.*?)</section>', text, re.S):
        if name not in ('recipe', 'limits', 'provenance'): assert MARK in body and body.count('<table') <= body.count(MARK) - 1, name
    assert 'weighted, 3-fold cross-validation on films' in re.search('<h1>.*?</h1>', text)[0]


def test_options_reach_the_folds_and_the_ensemble(write_folds, tmp_path):
    folder = write_folds(tmp_path/'cv')
    cv, result = read_folds(folder), measure(read_folds(folder), Settings(n_boot=20, rule='sensitivity', sensitivity=.95, prevalence=.05))
    for one, fold in zip(cv.folds, result['by_fold'], strict=True):
        valid = one.predictions.query('split == "valid" and label == 1')
        assert (valid.probability >= fold['threshold']).mean() >= .95 and fold['rule'].startswith('sensitivity')
    assert chosen_since(folder)['threshold_from'].startswith('sensitivity') and result['test']['at_threshold']['at_prevalence']


def test_the_page_holds_the_numbers_and_loads_nothing(three):
    folder, cv, result, _ = three
    text = (folder/'report.html').read_text()
    assert 'http://' not in text and 'https://' not in text and '<script' not in text and text.count('data:image/png') == 3
    ids = re.findall(r'<section id="(\w+)"', text)
    assert ids == [s.id for s in sections_of('folds')] and set(re.findall(r'href="#(\w+)"', text)) == set(ids)
    for row in shown(result)[1]:
        for found in row[1:]: assert f'<td>{found}</td>' in text
    assert on_screen(result)[1][0][1] == '{:.3f} to {:.3f}'.format(*np.sort(result['metrics']['accuracy']['by_fold'])[[0, -1]])
    assert len(shown(result)[1]) == len(METRICS) and cv.title == 'weighted, 3-fold cross-validation on films'
    files = dict(re.findall(r'<code>([^<]+)</code></th><td>[\d,]+</td><td><code>(\w{64})', text))
    assert {'cv.json', 'out_of_fold.csv', 'fold-1/predictions.csv', 'fold-3/split.csv'} < set(files) and 'report.html' not in files
    for name, sha in files.items(): assert sha == sha256((folder/name).read_bytes()).hexdigest()


def test_the_page_of_a_fold_says_which_one_it_is(three):
    fold = read_run(three[0]/'fold-2')
    text = write_page(fold, measure_run(fold, FEW)).read_text()
    assert 'One network: fold 2 of 3 of a cross-validation' in text and 'no ensemble' not in text
    assert 'weighted, fold 2 of 3 on films' in text and fold.fold == 'fold 2 of 3'


def test_folds_that_are_missing_are_named_with_what_would_train_them(write_folds, tmp_path, capsys):
    folder = write_folds(tmp_path/'cv')
    for k in (2, 3): (folder/f'fold-{k}').rename(folder/f'fold-{k}.partial')
    assert run(evaluate, [str(folder)]) == 2
    err = capsys.readouterr().err
    assert err.count('\n') == 1 and 'lacks folds 2, 3 of 3; ' in err
    assert f'train the rest by: python -m pneumo_fastai.fit --data films --resume {folder}' in err
    for o in folder.glob('fold-*/environment.json'): o.unlink()
    with pytest.raises(InputError, match=f'the same fit command with --resume {folder}'): read_folds(folder)


def test_a_cross_validation_is_not_compared_as_a_whole(three, capsys):
    folder = three[0]
    assert run(evaluate, [str(folder), str(folder)]) == 2
    err = capsys.readouterr().err
    assert err.count('\n') == 1 and f'give its folds, such as {folder}/fold-1, or single runs' in err


def test_folds_that_do_not_belong_together(write_folds, tmp_path):
    folder = write_folds(tmp_path/'cv')
    names = 'predictions.csv', 'split.csv'
    kept = {name: (folder/'fold-2'/name).read_bytes() for name in names}
    for name in names: (folder/'fold-2'/name).write_bytes((folder/'fold-1'/name).read_bytes())
    with pytest.raises(InputError, match='are tested by two folds'): read_folds(folder)
    rows = pd.read_csv(folder/'fold-1'/'predictions.csv')
    for name in names: (folder/'fold-2'/name).write_bytes(kept[name])
    table, moved = pd.read_csv(folder/'fold-1'/'split.csv'), rows.index[rows.split == 'test'][0]
    table.assign(split=table.split.mask(table.path == rows.path[moved], 'train')).to_csv(folder/'fold-1'/'split.csv', index=False)
    rows.drop(moved).to_csv(folder/'fold-1'/'predictions.csv', index=False)
    with pytest.raises(InputError, match='1 images are not both'): read_folds(folder)


def test_warnings_name_the_fold(write_folds, predict_anew, tmp_path):
    folder = write_folds(tmp_path/'cv', k=2)
    rows = pd.read_csv(folder/'fold-2'/'predictions.csv')
    rows.loc[rows.split == 'valid', 'label'] = 0
    predict_anew(folder/'fold-2', rows)
    environment = json.loads((folder/'fold-2'/'environment.json').read_text()) | dict(packages=dict(torch='2.15'), command='again')
    (folder/'fold-2'/'environment.json').write_text(json.dumps(environment))
    cv = read_folds(folder)
    result = measure(cv, FEW)
    assert 'Fold 2: the threshold is 0.5, valid has one class only.' in result['warnings']
    assert 'fold 2 of 2 was trained with another version of torch than fold 1.' in result['warnings']
    assert cv.environment['packages']['torch'] == '2.14, 2.15' and cv.environment['command'].endswith('--data films\nagain')
