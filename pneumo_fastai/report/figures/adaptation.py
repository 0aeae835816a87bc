"What so many labelled patients of another place change. Returns a matplotlib Figure."
from ...evaluation.draws import AFTER, BEFORE, BLIND, SHARE
from .style import BLUE, GREEN, GREY, ORANGE, PURPLE, figure

PANELS = dict(log_loss='log-loss', ece='expected calibration error', sensitivity='sensitivity', specificity='specificity')
CALIBRATED = {AFTER: ('recalibrated', BLUE, 'o', 0), SHARE: ('prevalence corrected, with labels', GREEN, 's', .13),
              BLIND: ('prevalence corrected, without', PURPLE, '^', .26)}
TALL = 2  # times the higher of before and recalibrated is as high as an axis goes
CALLED = {AFTER: ('new threshold', BLUE, 'o', 0)}


def by_patients(metrics, synthetic=False):
    "Log-loss, ECE, sensitivity and specificity of all others, by number of patients: mean and 95% of the draws; before as a line."
    fig = figure((10, 7), synthetic)
    for ax, (name, title) in zip(fig.subplots(2, 2).flat, PANELS.items(), strict=True):
        panel(ax, metrics, name, CALLED if name in ('sensitivity', 'specificity') else CALIBRATED)
        ax.set_title(title, fontsize=11)
    handles = {label: h for ax in fig.axes for h, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    fig.legend(handles.values(), handles.keys(), loc='outside lower center', ncols=3, fontsize=9)
    return fig


def panel(ax, metrics, name, shown):
    sizes = metrics['adaptation']['sizes']
    at = range(len(sizes))
    ax.plot(at, [row[BEFORE][name]['mean'] for row in sizes], '--', color=ORANGE, linewidth=2, label='before: the run as it is')
    for way, (label, color, mark, aside) in shown.items():
        found = [row[way][name] for row in sizes]
        bars = [[max(0, f['mean'] - f['low']) for f in found], [max(0, f['high'] - f['mean']) for f in found]]
        ax.errorbar([x + aside for x in at], [f['mean'] for f in found], yerr=bars, fmt=mark, color=color, capsize=3, label=label)
    if metrics['choices']['rule'] == name: ax.axhline(metrics['choices'][name], color=GREY, linestyle=':', label='aimed at')
    if name in ('log_loss', 'ece'): losses(ax, sizes, name)
    ax.set_xticks(at, [row['n'] for row in sizes])
    ax.set(xlabel='labelled patients', xlim=(-.4, len(sizes) - .4))
    ax.grid(alpha=.25)


def losses(ax, sizes, name):
    "From 0 to a little above what is not far off the run as it is; what lies beyond is written at the edge."
    most = TALL*max(row[way][name]['mean'] for row in sizes for way in (BEFORE, AFTER))
    top = min(most, 1.1*max(row[way][name]['high'] for row in sizes for way in (BEFORE, *CALIBRATED)))
    ax.set_ylim(0, top)
    for way, (_, color, _, aside) in CALIBRATED.items():
        for x, row in enumerate(sizes):
            if (value := row[way][name]['mean']) > top:
                ax.text(x + aside, .97*top, f'\u2191 {value:.2f}', color=color, ha='center', va='top', fontsize=9)
