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
