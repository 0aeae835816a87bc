import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from pneumo_fastai.evaluation.metrics import METRICS
from pneumo_fastai.evaluation.results import evaluate
from pneumo_fastai.report.labels import number
from pneumo_fastai.report.words import HEADER, also_in_words, console_table, in_words, rows


@pytest.fixture(scope='module')
def predictions():
    rng = np.random.default_rng(0)
    y = (np.arange(60) % 3 == 0).astype(int)
    return pd.DataFrame(dict(path=np.arange(60).astype(str), patient=np.arange(60)//4, label=y,
                             split=np.where(np.arange(60)//4 % 2, 'test', 'valid'), probability=1/(1 + np.exp(-rng.normal(2*y - 1)))))


@pytest.fixture(scope='module')
def metrics(predictions):
    views = pd.Series('AP', index=predictions['path'])
    return evaluate(predictions, 50, views=views, train=pd.DataFrame(dict(view=['AP', 'AP'], label=[0, 1])))


def printed(table, width=80):
    out = io.StringIO()
    Console(file=out, width=width).print(table)
    return out.getvalue()


def test_rows_are_what_was_measured(metrics):
    table = rows(metrics)
    assert len(table) == len(METRICS) == 8 and all(len(row) == len(HEADER) == 4 for row in table)
    blocks = metrics['valid'], metrics['test']['at_threshold'], metrics['test']['at_0.5']
    for name, row in zip(METRICS, table, strict=True):
        assert [cell[:5] for cell in row[1:]] == [f'{b[name]["value"]:.3f}' for b in blocks]


def test_undefined_reaches_the_reader(predictions):
    frame = predictions.assign(label=predictions['label'].where(predictions['split'] == 'valid', 0))
    metrics = evaluate(frame, 20)
    text = printed(console_table(metrics))
    assert 'not defined' in text and 'nan' not in text.lower().split() and 'None' not in text


def test_no_interval_is_no_markup(predictions):
    table = console_table(evaluate(predictions.assign(patient=predictions['split']), 20))
    assert printed(table, 100).count('[no interval]') == 3*len(METRICS)


def test_says_n_and_what_counts_mean(metrics):
    text, at = printed(console_table(metrics)), metrics['test']['at_threshold']
    for block in (metrics['valid'], metrics['test']):
        assert f'n = {block["n"]} images of {block["patients"]} patients, {block["prevalence"]:.1%} with pneumonia' in text
    said = ' '.join([*in_words(metrics), *also_in_words(metrics)])
    assert f'of {at["tp"] + at["fn"]} images with pneumonia {at["tp"]} were found and {at["fn"]} missed' in said
    cut = next(c for c in metrics['uncertainty']['referral'] if c['asked'] == .2)
    assert f'nearest 20% of valid, {cut["referred"]:.0%} of the test images go; the calls on the other {cut["n"]}' in said
    assert 'The view position alone, without looking at the image, has AUROC 0.500' in said


def test_the_view_is_taken_out_by_comparing_within_views_not_by_subtracting_aurocs(metrics):
    def view(subgroups): return next(o for o in in_words({**metrics, 'subgroups': subgroups}) if 'view position' in o)
    within = dict(value=.7, low=.612, high=.788)
    said = view(dict(by=dict(view=dict(within=within))))
    assert 'of one view, which the view cannot tell apart, the model has AUROC 0.700 [0.61, 0.79].' in said
    undefined = dict(value=None, low=None, high=None, reason='not defined, because no group has images of both classes')
    assert 'the model has an AUROC that is not defined, because no group' in view(dict(by=dict(view=dict(within=undefined))))
    assert view(dict(reason='not defined')).endswith(f'has AUROC {number(metrics["baseline"]["view"]["auroc"])}.')
    assert 'adds' not in ' '.join(in_words(metrics))


def test_synthetic_data_are_called_so_on_the_screen(metrics):
    assert 'synthetic' not in printed(console_table(metrics, 'a'))
    assert 'synthetic data' in printed(console_table(metrics, synthetic=True))
