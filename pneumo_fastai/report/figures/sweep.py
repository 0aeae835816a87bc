"AUROC on valid of each setting, a dot a repetition. Returns a matplotlib Figure."
import textwrap

from .style import BLUE, GREY, ORANGE, figure

LETTERS = 36  # of a setting's name, in a line


def by_setting(found, synthetic=False):
    """The rows of `repetitions.compared`, downwards: their trainings, mean and standard deviation on valid; the chosen one in orange. Where
    tests are of several kinds also what is shown of test, hollow."""
    rows = found['rows']
    names = ['\n'.join(textwrap.wrap(r['setting'], LETTERS)) for r in rows]
    fig = figure((8, 1.5 + max(.42, .17*max(n.count('\n') + 1 for n in names))*len(rows)), synthetic)
    ax = fig.subplots()
    for y, r in enumerate(rows):
        auroc, color = r['valid']['metrics']['auroc'], ORANGE if r['chosen'] else BLUE
        values = [v for v in auroc['by_repetition'] if v is not None]
        ax.plot(values, [y]*len(values), 'o', color=color, markersize=7, alpha=.75, markeredgewidth=0, zorder=3)
        test = [v for v in r['test']['metrics']['auroc']['by_repetition'] if v is not None] if found.get('kinds') and r['test'] else []
        ax.plot(test, [y + .2]*len(test), 's', color=color, markersize=6, markerfacecolor='none')
        if auroc['mean'] is None: ax.text(.01, y, 'not defined', va='center', fontsize=8, color=GREY, transform=ax.get_yaxis_transform())
        else: ax.errorbar(auroc['mean'], y, xerr=auroc['sd'] or 0, fmt='|', color=GREY, markersize=16, markeredgewidth=1.6, capsize=3)
    ax.set_yticks(range(len(rows)), names, fontsize=9, parse_math=False)
    for label, r in zip(ax.get_yticklabels(), rows, strict=True): label.set_fontweight('bold' if r['chosen'] else 'normal')
    also = '; squares: on test' if found.get('kinds') else ''
    ax.set(ylim=(len(rows) - .4, -.6), xlabel=f'AUROC on valid; a dot: one training; line: mean \u00b1 standard deviation{also}')
    ax.grid(axis='x', alpha=.25)
    return fig
