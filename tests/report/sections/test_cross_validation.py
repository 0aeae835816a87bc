import re
from hashlib import sha256

import numpy as np
import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.evaluate import evaluate
from pneumo_fastai.evaluation.metrics import METRICS
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.report.html import MARK
from pneumo_fastai.report.page import write_page
from pneumo_fastai.report.registry import sections_of
from pneumo_fastai.report.sections.cross_validation import on_screen, shown
from pneumo_fastai.report.written import measure, remeasure_folds
from pneumo_fastai.runs.folder import read_run

FEW = Settings(n_boot=20)


@pytest.fixture(scope='module')
def three(tmp_path_factory, write_folds, saving_dots):
    "(folder, its `CrossValidation`, what cv.json holds)."
    folder = write_folds(tmp_path_factory.mktemp('pooled')/'cv')
    with saving_dots(): return folder, *remeasure_folds(folder, FEW)


def test_evaluate_writes_everything_again_and_leaves_the_folds_alone(write_folds, tmp_path, capsys, undrawn):
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


def test_the_page_holds_the_numbers_and_loads_nothing(three):
    folder, cv, result = three
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
    text = write_page(fold, measure(fold, FEW)).read_text()
    assert 'One network: fold 2 of 3 of a cross-validation' in text and 'no ensemble' not in text
    assert 'weighted, fold 2 of 3 on films' in text and fold.fold == 'fold 2 of 3'


def test_on_the_screen_folds_in_which_a_metric_is_defined_are_from_lowest_to_highest():
    def result(*by_fold):
        auroc = dict(by_fold=list(by_fold), mean=.7, sd=None, pooled=dict(value=.7, low=.6, high=.8))
        return dict(folds=len(by_fold), metrics=dict(auroc=auroc, no_metric_of_the_short_table=None))
    header, rows = on_screen(result(.8, None, .6))
    assert header == ['metric', 'of 3 folds', 'mean \u00b1 sd', 'pooled, 95% interval']
    assert rows == [('AUROC', '0.600 to 0.800', '0.700 \u00b1 not defined', '0.700 [0.60, 0.80]')]
    assert on_screen(result(None, None, None))[1][0][1] == 'not defined' and on_screen(result(.8, .6)) == shown(result(.8, .6))
