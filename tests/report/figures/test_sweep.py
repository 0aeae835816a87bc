from itertools import pairwise

from pneumo_fastai.report.figures.style import ORANGE
from pneumo_fastai.report.figures.sweep import by_setting


def row(name, *values, chosen=False):
    defined = [v for v in values if v is not None]
    mean = sum(defined)/len(defined) if defined else None
    auroc = dict(by_repetition=values, mean=mean, sd=.01 if defined else None)
    return dict(setting=name, chosen=chosen, valid=dict(metrics=dict(auroc=auroc)))


def test_a_dot_for_each_training_the_chosen_in_a_colour_of_its_own_and_the_mark():
    fig = by_setting(dict(rows=[row('a_$x', .8, .9), row('b', .7, None, .75, chosen=True), row('c')]), synthetic=True)
    ax, = fig.axes
    dots = [line for line in ax.get_lines() if line.get_marker() == 'o']
    assert [list(d.get_xdata()) for d in dots] == [[.8, .9], [.7, .75], []]
    assert [d.get_color() == ORANGE for d in dots] == [False, True, False]
    assert [t.get_text() for t in ax.get_yticklabels()] == ['a_$x', 'b', 'c'] and [t.get_text() for t in ax.texts] == ['not defined']
    assert fig.get_suptitle() == 'synthetic data'


def test_long_names_leave_the_dots_their_room():
    names = [f'arch=efficientnet_v2_s, class_weights=effective, weights=/a/path/without/a/space/to/model_{i}.pt, lr=1' for i in range(3)]
    fig = by_setting(dict(rows=[row(name, .8, .9) for name in names]))
    fig.draw_without_rendering()
    ax, = fig.axes
    boxes = [t.get_window_extent() for t in ax.get_yticklabels()]
    assert ax.get_position().width > .5 and not any(a.overlaps(b) for a, b in pairwise(boxes))
    assert [t.get_text().replace('\n', '').replace(' ', '') for t in ax.get_yticklabels()] == [n.replace(' ', '') for n in names]
