import json
import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest
from sklearn.metrics import jaccard_score

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.report import card
from pneumo_fastai.report.labels import FIGURES
from pneumo_fastai.report.written import draw, present_again, remeasure, remeasure_folds
from pneumo_fastai.runs.checksums import altered, write_sums
from pneumo_fastai.runs.folder import read_run

FEW = Settings(n_boot=20)
ENTRIES = '''
import sys
from pneumo_fastai.evaluation import metrics
from pneumo_fastai.evaluation.intervals.counts import NO_POSITIVE, ratio
metrics.RATES['jaccard'] = metrics.Rate(
    'Jaccard index', 'overlap of the ill and those called so', lambda tn, fp, fn, tp: ratio(tp, tp + fp + fn),
    ((metrics.FP, metrics.TP), (metrics.FN, metrics.TP)), NO_POSITIVE)
metrics.RANKS['top'] = metrics.Rank(
    'ill at the top', 'share of pneumonia at the highest probability', lambda y, p: float(y[p == p.max()].mean()),
    lambda pos, neg, tp, fp: ratio(tp[:, 0], tp[:, 0] + fp[:, 0]), (1,))
'''


def test_a_metric_is_one_entry_and_then_in_metrics_json_with_an_interval_and_on_the_page(new_run):
    folder = new_run()
    code = ENTRIES + '''
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.report.page import write_page
from pneumo_fastai.report.written import measure
from pneumo_fastai.runs.folder import read_run
run = read_run(sys.argv[1])
write_page(run, measure(run, Settings(n_boot=50)))'''
    done = subprocess.run([sys.executable, '-W', 'error', '-c', code, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    metrics, page = json.loads((folder/'metrics.json').read_text()), (folder/'report.html').read_text()
    test = pd.read_csv(folder/'predictions.csv').query('split == "test"')
    found = metrics['test']['at_threshold']
    assert found['jaccard']['value'] == pytest.approx(jaccard_score(test.label, test.probability >= metrics['threshold']['value']))
    assert found['top']['value'] == test.label[test.probability == test.probability.max()].mean()
    for name in ('jaccard', 'top'): assert 0 <= found[name]['low'] < found[name]['value'] <= found[name]['high'] <= 1
    halves = metrics['balanced']['at_threshold']['jaccard']['value']  # recall and specificity stay, the classes weigh the same
    hit, alarm = found['recall']['value'], 1 - found['specificity']['value']
    assert halves == pytest.approx(hit/(1 + alarm))
    for words in ('Jaccard index', 'overlap of the ill', f'{found["jaccard"]["value"]:.3f} [', 'ill at the top'): assert words in page


def test_figures_are_those_for_which_there_are_numbers_and_words(new_run, undrawn):
    run, metrics = remeasure(new_run(), FEW)
    drawn = {p.stem for p in run.folder.glob('*.png')}
    assert drawn == {'roc', 'precision_recall', 'confusion_matrix', 'reliability', 'risk_coverage', 'curves', 'subgroups'}
    assert {f'{name}.png' for name in drawn} <= set(FIGURES)
    for name in drawn: (run.folder/f'{name}.png').unlink()
    draw(replace(run, history=run.history[:0]), dict(metrics, subgroups=dict(reason='not defined, because x')))
    assert {p.stem for p in run.folder.glob('*.png')} == drawn - {'curves', 'subgroups'}


def test_what_is_written_anew_into_a_finished_run_leaves_its_checksums_right(new_run, undrawn):
    folder = new_run()
    write_sums(folder)
    remeasure(folder, FEW)
    (folder/'cases.png').write_bytes((folder/'roc.png').read_bytes())
    present_again(folder)
    assert altered(folder, ('metrics.json', 'calibration.json', 'report.html', 'roc.png', 'predictions.csv')) == []
    assert 'the clearest there is of each kind' in (folder/'report.html').read_text()
    with (folder/'predictions.csv').open('a') as file: file.write('\n')
    before = (folder/'metrics.json').read_bytes()
    with pytest.raises(InputError, match=r'predictions\.csv was another'): remeasure(folder, FEW)
    assert (folder/'metrics.json').read_bytes() == before
    _, metrics = remeasure(folder, FEW, force=True)
    assert any('predictions.csv was another' in o for o in metrics['warnings'])


def test_the_calibration_of_a_run_is_what_predict_will_take(new_run, undrawn):
    run, metrics = remeasure(new_run(), FEW)
    found = card.decided(run, metrics)
    assert found == dict(threshold=metrics['threshold']['value'], threshold_from=metrics['threshold']['rule'],
                         calibrator=json.loads((run.folder/'calibration.json').read_text()),
                         conformal=metrics['uncertainty']['conformal']['fitted'])
    assert read_run(run.folder).title == run.title == 'weighted on films'


def test_of_folds_the_ensemble_takes_what_cv_json_says_of_the_rows(write_folds, tmp_path, undrawn):
    cv, result = remeasure_folds(write_folds(tmp_path/'cv'), FEW)
    assert json.loads((cv.folder/'cv.json').read_text()) == result
    rows, found = pd.read_csv(cv.folder/'out_of_fold.csv'), card.decided(cv, result)
    assert sorted(rows.path) == sorted(cv.cohort.path) and list(rows.path) == sorted(rows.path)
    assert found['threshold'] == result['ensemble']['threshold']['value']
    assert found['calibrator'] == result['ensemble']['calibration']['chosen'] and found['conformal'] is None
    assert 'Not known: how well it does' in (cv.folder/'report.html').read_text()
