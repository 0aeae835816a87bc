import numpy as np
import pytest

from pneumo_fastai.report.figures.study import auroc_minutes, bounds, label, spaced


def row(name, minutes, auroc, sd=None, hardware='a'):
    return dict(name=name, at_size='9 px', hardware=[hardware], values=dict(minutes=dict(mean=minutes), auroc=dict(mean=auroc, sd=sd)))


def table(data, *rows, synthetic=False, held_out='none'):
    return dict(data=data, rows=list(rows), synthetic=synthetic, held_out=held_out)


def test_a_panel_a_data_set_a_point_a_row_and_minutes_on_a_log_scale():
    fig = auroc_minutes([table('x', row('a_$b', 2., .9, .01), row('c', 30., .8)), table('x', row('d', 5., .85), row('no', None, .7)),
                         table('y', row('e', 1., .99, hardware='b'), synthetic=True)])
    one, other = fig.axes
    assert (one.get_title(), other.get_title()) == ('x', 'y (synthetic data)') and one.get_xscale() == 'log'
    assert [t.get_text() for t in one.texts] == ['c, 9 px', 'd, 9 px', 'a_$b, 9 px'] and [t.get_text() for t in other.texts] == ['e, 9 px']
    assert [t.xy for t in one.texts] == [(30., .8), (5., .85), (2., .9)]
    assert [t.get_text() for t in fig.legends[0].texts] == ['a', 'b'] and not fig._suptitle
    colors = {c.lines[0].get_color() for ax in fig.axes for c in ax.containers}
    assert len(colors) == 2 and fig.axes[1].get_ylim()[1] < 1.01
    fig.draw_without_rendering()


def test_what_stands_in_two_tables_is_one_point():
    fig = auroc_minutes([table('x', row('a, 9 px', 2., .9), row('b', 3., .9)), table('x', row('a', 2., .9))])
    assert sorted(t.get_text() for t in fig.axes[0].texts) == ['a, 9 px', 'b, 9 px']
    assert label(row('a, 9 px, float32', 2., .9)) == 'a, 9 px, float32'


def test_a_folder_may_be_called_what_it_likes(): auroc_minutes([table('new$_$old', row('a', 2., .9))]).draw_without_rendering()


def test_tests_of_two_kinds_are_in_panels_of_their_own():
    fig = auroc_minutes([table('x', row('a', 2., .9), synthetic=True), table('x', row('a', 2., .7), synthetic=True, held_out='dark')])
    assert [ax.get_title() for ax in fig.axes] == ['x (synthetic data)', 'x, held out: dark (synthetic data)']
    assert [len(ax.texts) for ax in fig.axes] == [1, 1]


@pytest.mark.parametrize('aurocs', [[.9]*12, list(np.linspace(.6, .99, 14)), [.99, .5]])
def test_names_do_not_touch_and_stay_in_the_figure(aurocs):
    names = [f'weighted, lr 0.{k}, a long name that needs two lines, you see' for k in range(len(aurocs))]
    fig = auroc_minutes([table('x', *(row(n, 1. + k, a) for k, (n, a) in enumerate(zip(names, aurocs, strict=True))))])
    fig.draw_without_rendering()  # which gives the panel its height
    at = sorted(t.get_position()[1] for t in fig.axes[0].texts)
    height = fig.axes[0].get_window_extent().height
    assert (np.diff(at)*height > 2*8.5*fig.dpi/72).all() and at[-1] <= 1 and at[0] >= 0


def test_names_are_as_near_to_their_points_as_may_be():
    assert spaced(np.array([.2, .8]), np.array([.1, .1])) == pytest.approx([.2, .8])
    assert spaced(np.array([.5, .5, .5]), np.full(3, .1)) == pytest.approx([.5, .6, .7])
    assert spaced(np.array([.99, 1.]), np.full(2, .2)) == pytest.approx([.7, .9])


def test_the_scale_holds_every_bar_and_ends_about_one():
    low, high = bounds([dict(mean=.99, sd=None), dict(mean=.7, sd=.1)])
    assert low < .6 and .99 < high < 1.02
    assert bounds([dict(mean=.99, sd=.05)])[1] >= 1.04
