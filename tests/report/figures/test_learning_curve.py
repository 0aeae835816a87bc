from pneumo_fastai.evaluation.learning_curve import extrapolated
from pneumo_fastai.report.figures.learning_curve import BEYOND, CHECK, EACH, MEASURED, learning_curves

N = [10, 30, 100, 300]


def found(auroc, each=1, split='valid'):
    import numpy as np
    y = np.array(auroc)
    points = [dict(fraction=n/300, patients=n, by_repetition=[v]*each, mean=v, sd=None, low=v - .1, high=v + .05)
              for n, v in zip(N, auroc, strict=False)]
    none = dict(laws=[], forecasts=[], checks=[], line=[])
    return dict(none, split=split, points=points) | extrapolated(np.array(N[:len(y)]), y, np.arange(len(y)), y[None].repeat(9, axis=0))


def labels(fig): return [t.get_text() for t in fig.legends[0].get_texts()]


def test_what_was_measured_the_forecasts_and_what_had_been_forecast_are_drawn_within_the_picture():
    fig = learning_curves([('valid', found([.7, .8, .87, .91], each=2))], synthetic=True)
    fig.draw_without_rendering()
    ax, = fig.axes
    assert {MEASURED, EACH, BEYOND, CHECK} < set(labels(fig)) and fig.get_suptitle() == 'synthetic data'
    assert [t.get_text().split(':')[0] for t in ax.texts] == ['2\u00d7', '10\u00d7']
    assert [t.get_text() for t in ax.get_xticklabels()] == ['10', '30', '100', '300', '600', '3,000']
    frame = ax.get_window_extent()
    for text in ax.texts:
        box = text.get_window_extent()
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
    assert .99 < ax.get_ylim()[1] < 1.05


def test_two_shares_are_drawn_without_a_law_and_it_says_why():
    fig = learning_curves([('valid', found([.7, .8]))])
    ax, = fig.axes
    assert 'it takes 3 shares' in ax.get_title().replace('\n', ' ') and labels(fig) == [MEASURED] and not ax.texts


def test_each_curve_has_a_panel_on_one_scale():
    fig = learning_curves([(f'{k}', found([.7, .8, .87], split='test')) for k in range(3)])
    assert [ax.get_title() for ax in fig.axes] == ['0', '1', '2'] and len({ax.get_ylim() for ax in fig.axes}) == 1
    assert fig.axes[0].get_ylabel() == 'AUROC on test'
