import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation.results import evaluate
from pneumo_fastai.report.figures import heatmaps, performance, style


def table(n, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3 == 0
    return pd.DataFrame(dict(path=np.arange(n).astype(str), patient=np.arange(n)//2, split=np.where(np.arange(n) % 4 < 2, 'valid', 'test'),
                             label=y.astype(int), probability=1/(1 + np.exp(-rng.normal(2.*y - 1)))))


def history(n):
    names = 'train_loss', 'valid_loss', 'accuracy', 'precision', 'recall', 'specificity', 'f1'
    frame = pd.DataFrame(dict.fromkeys(names, np.linspace(.9, .3, n)))
    return frame.assign(epoch=np.arange(n), auroc=.9 - (np.arange(n) - 2)**2/1000, time='00:01')


@pytest.fixture(scope='module')
def run(): return table(80), evaluate(table(80), 50)


def line(ax, start): return next(at for at in ax.lines if at.get_label().startswith(start))


@pytest.mark.parametrize('n', [1, 3, 20])
def test_curves_mark_the_best_epoch(n, no_overlap):
    fig = performance.curves(history(n), n=12)
    best = line(fig.axes[1], 'best')
    assert best.get_xdata() == [min(n - 1, 2)] and 'n = 12 images' in fig.axes[1].get_title() and no_overlap(fig)
    assert len(fig.axes[1].lines) == 6 + 2


def test_curves_without_a_metric():
    fig = performance.curves(history(4).assign(auroc=np.nan).drop(columns='f1'))
    assert len(fig.axes[1].lines) == 4
    with pytest.raises(InputError, match='no epoch'): performance.curves(history(0))


def test_roc_area_is_auroc(run):
    predictions, metrics = run
    ax = performance.roc(predictions, metrics).axes[0]
    for name, block in (('test', metrics['test']['at_threshold']), ('valid', metrics['valid'])):
        curve, point = line(ax, f'{name} (n'), line(ax, f'{name} at')
        assert np.trapezoid(curve.get_ydata(), curve.get_xdata()) == pytest.approx(block['auroc']['value'])
        assert point.get_ydata()[0] == pytest.approx(block['tp']/(block['tp'] + block['fn']))
        assert point.get_xdata()[0] == pytest.approx(block['fp']/(block['fp'] + block['tn']))


def test_precision_recall_area_is_average_precision(run):
    predictions, metrics = run
    ax = performance.precision_recall(predictions, metrics).axes[0]
    curve = line(ax, 'test (n')
    x, y = curve.get_data()
    assert curve.get_drawstyle() == 'steps-post'  # precision holds from a recall down to the next
    assert -(np.diff(x)*y[:-1]).sum() == pytest.approx(metrics['test']['at_threshold']['average_precision']['value'])
    assert line(ax, 'chance').get_ydata()[0] == metrics['test']['prevalence']


def test_confusion_matrix_counts_and_shares(run, texts):
    block = run[1]['test']['at_0.5']
    found = texts(performance.confusion_matrix(run[1]))
    share = block['tp']/(block['tp'] + block['fn'])
    assert f'{block["tp"]}\n{share:.0%}' in found and 'test at 0.500, n = 40' in found


def test_one_class_is_said_and_not_drawn(tmp_path, texts):
    frame = table(40)
    frame.loc[frame.split == 'test', 'label'] = 0
    metrics = evaluate(frame, 20)
    assert any('test (n = 20): AUROC not defined' in t for t in texts(performance.roc(frame, metrics)))
    style.save(performance.precision_recall(frame, metrics), tmp_path/'a.png')
    assert '0\nno such image' in texts(performance.confusion_matrix(metrics))


def test_synthetic_is_written_on_every_figure(run, no_overlap):
    images = [np.zeros((8, 8))]
    for draw in (lambda s: performance.curves(history(2), s), lambda s: performance.roc(*run, s),
                 lambda s: performance.precision_recall(*run, s), lambda s: performance.confusion_matrix(run[1], s),
                 lambda s: heatmaps.image_grid(images, ['a'], synthetic=s)):
        fig = draw(True)
        assert fig._suptitle.get_text() == 'synthetic data' and no_overlap(fig)
        assert draw(False)._suptitle is None and no_overlap(draw(False))
