from pneumo_fastai.report.figures.adaptation import PANELS, by_patients


def of(mean): return dict(mean=mean, low=mean - .01, high=mean + .02)


def row(n, **log_loss):
    return dict(n=n, **{way: {name: of(log_loss[way] if name == 'log_loss' else .5) for name in PANELS} for way in log_loss})


def found(blind=.7, rule='youden'):
    sizes = [row(n, before=.6, after=.4, with_labels=.5, without_labels=blind) for n in (25, 50, 100)]
    return dict(adaptation=dict(sizes=sizes), choices=dict(rule=rule, sensitivity=.95))


def lines(ax): return {line.get_label(): list(line.get_ydata()) for line in ax.get_lines()}


def test_before_is_a_line_and_every_number_of_patients_has_its_tick(no_overlap):
    fig = by_patients(found(), synthetic=True)
    assert len(fig.axes) == 4 and fig.get_suptitle() == 'synthetic data' and no_overlap(fig)
    for ax in fig.axes: assert [t.get_text() for t in ax.get_xticklabels()] == ['25', '50', '100']
    assert lines(fig.axes[0])['before: the run as it is'] == [.6]*3 and not fig.axes[0].texts
    assert {t.get_text() for t in fig.legends[0].texts} == {'before: the run as it is', 'recalibrated', 'prevalence corrected, with labels',
                                                              'prevalence corrected, without', 'new threshold'}


def test_what_lies_far_beyond_is_written_at_the_edge():
    ax = by_patients(found(blind=8)).axes[0]
    assert ax.get_ylim() == (0, 1.2) and [t.get_text() for t in ax.texts] == ['\u2191 8.00']*3


def test_the_aim_is_drawn_where_it_is_one_number():
    aimed = [['aimed at' in lines(ax) for ax in by_patients(found(rule=rule)).axes] for rule in ('youden', 'sensitivity')]
    assert aimed == [[False]*4, [False, False, True, False]]
