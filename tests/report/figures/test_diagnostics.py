import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from pneumo_fastai.evaluation.results import evaluate
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.report.figures import diagnostics
from pneumo_fastai.report.figures.style import GREY
from pneumo_fastai.report.written import measure_folds
from pneumo_fastai.runs.folds import read_folds


def line(ax, start): return next(at for at in ax.lines if at.get_label().startswith(start))


def test_reliability_counts_each_image_in_one_bin_and_shows_the_share_that_was_seen(plain):
    metrics = plain[3]
    fig = diagnostics.reliability(metrics['calibration'])
    for k, key in enumerate(('before', 'after')):
        top, bottom = fig.axes[k], fig.axes[2 + k]
        x, y = np.array(top.lines[1].get_data())
        n = np.array([bar.get_height() for bar in bottom.patches])
        assert n.sum() == metrics['test']['n'] and (n*y).sum() == pytest.approx(metrics['test']['positives'])
        middles = [bar.get_x() + bar.get_width()/2 for bar in bottom.patches]
        assert np.abs(x - middles).max() <= .5/metrics['calibration'][key]['bins'] + 1e-9  # the mean of a bin lies in it
        assert (n*np.abs(x - y)).sum()/n.sum() == pytest.approx(metrics['calibration'][key]['ece'])
        assert f'ECE {metrics["calibration"][key]["ece"]:.3f}' in top.get_title()
    assert metrics['calibration']['chosen']['method'].replace('_', ' ') in fig.axes[1].get_title()


def test_risk_ends_at_the_share_of_wrong_calls_and_the_table_lies_on_the_curve(plain):
    metrics = plain[3]
    ax, = diagnostics.risk_coverage(metrics['uncertainty']).axes
    x, y = line(ax, 'wrong calls').get_data()
    assert x[-1] == 1 and y[-1] == pytest.approx(1 - metrics['test']['at_threshold']['accuracy']['value'])
    cuts, risks = line(ax, 'cuts').get_data()
    for cut, risk in zip(cuts, risks, strict=True): assert y[np.abs(np.array(x) - cut).argmin()] == pytest.approx(risk)
    assert len(cuts) == len(metrics['uncertainty']['referral']) and ax.get_ylim()[1] >= max(y)


def group(name, value, low, high, small=False):
    return dict(group=name, n=40, positives=9, small=small, auroc=dict(value=value, low=low, high=high))


def test_a_small_group_is_hollow_and_an_undefined_one_is_said_to_be(texts):
    some = dict(by=dict(age=dict(groups=[group('$x_{', .8, .7, .9), group('b', .6, .3, .8, small=True), group('c', None, None, None),
                                         group('d', .7, None, None)])))
    fig = diagnostics.forest(some, dict(value=.75, low=.7, high=.8))
    fig.draw_without_rendering()
    ax, = fig.axes
    points = {at.get_ydata()[0]: at for at in ax.lines if at.get_marker() == 'o'}
    assert {y: (at.get_xdata()[0], at.get_markerfacecolor() == 'white') for y, at in points.items()} == {
        1: (.8, False), 2: (.6, True), 4: (.7, False)}
    spans = {at.get_ydata()[0]: list(at.get_xdata()) for at in ax.lines if len(at.get_xdata()) == 2 and at.get_linewidth() == 1.6}
    assert spans == {1: [.7, .9], 2: [.3, .8]} and texts(fig).count('not defined') == 1
    names = [t.get_text() for t in ax.get_yticklabels()]
    assert names == ['age in years', *(f'{k} (n = 40, 9 with pneumonia)' for k in ('$x_{', 'b', 'c', 'd'))]
    assert ax.get_ylim()[0] > ax.get_ylim()[1] and any(at.get_color() == GREY for at in ax.lines)


@pytest.fixture(scope='module')
def folds(tmp_path_factory, write_folds):
    cv = read_folds(write_folds(tmp_path_factory.mktemp('figures')/'cv'))
    result = measure_folds(cv, Settings(n_boot=20))
    return pd.read_csv(cv.folder/'out_of_fold.csv'), result


def test_the_curves_of_folds_have_the_areas_that_are_told(folds, texts):
    rows, result = folds
    fig = diagnostics.roc_by_fold(rows, result)
    thin = [at for at in fig.axes[0].lines if at.get_linewidth() == 1]
    areas = [np.trapezoid(at.get_ydata(), at.get_xdata()) for at in thin]
    assert areas == pytest.approx([f['auroc'] for f in result['by_fold']])
    assert f'each fold: AUROC {min(areas):.3f} to {max(areas):.3f}' in texts(fig)
    whole = line(fig.axes[0], 'all together')
    assert np.trapezoid(whole.get_ydata(), whole.get_xdata()) == pytest.approx(roc_auc_score(rows.label, rows.probability))


def test_a_fold_of_one_class_has_no_curve(folds, texts):
    rows, result = folds
    one = dict(result['by_fold'][0], auroc=None)
    fig = diagnostics.roc_by_fold(rows, dict(result, by_fold=[one, *result['by_fold'][1:]]))
    assert len([at for at in fig.axes[0].lines if at.get_linewidth() == 1]) == 2
    none = diagnostics.roc_by_fold(rows, dict(result, by_fold=[one], test=dict(at_threshold=dict(auroc=dict(value=None)))))
    assert texts(none)[1:] == ['chance: AUROC 0.5']


def test_figures_of_one_class_are_drawn_all_the_same(no_overlap):
    i = np.arange(40)
    frame = pd.DataFrame(dict(path=i.astype(str), patient=i//2, split=np.where(i % 4 < 2, 'valid', 'test'), label=(i % 4 == 0).astype(int),
                              probability=np.linspace(.01, .99, 40)))
    metrics = evaluate(frame, 20)
    assert frame[frame.split == 'test'].label.sum() == 0 and no_overlap(diagnostics.reliability(metrics['calibration'], synthetic=True))
    assert no_overlap(diagnostics.risk_coverage(metrics['uncertainty'], synthetic=True))
