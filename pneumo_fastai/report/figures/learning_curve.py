"AUROC against training patients: what was measured, the law, where it leads and would have led. Returns a matplotlib Figure."
import textwrap

from matplotlib.ticker import FuncFormatter, NullLocator

from .style import BLUE, GREY, ORANGE, PURPLE, figure

WIDE, HIGH, COLUMNS = 8, 4.8, 2
LETTERS = 75  # in a line of a title
ASIDE = 1.07  # what stands beside a share, and not on it
MEASURED, EACH, LAW, BEYOND, BAND, CHECK = KEY = (
    'measured: mean of the trainings, 95% interval over patients', 'a training each', 'power law', 'beyond all that was measured',
    'its 95% interval', 'what the smaller shares alone had forecast')


def learning_curves(
    curves,  # (title, what `evaluation.learning_curve` returns) each
    synthetic=False,
):
    "A panel for each curve, on one scale of AUROC."
    columns = min(COLUMNS, len(curves))
    lines = -(-len(curves)//columns)
    fig = figure((WIDE if columns == 1 else 6.2*columns, HIGH*lines), synthetic)
    panels = fig.subplots(lines, columns, sharey=True, squeeze=False).ravel()
    panels[0].set_ylim(bounds([c for _, c in curves]))
    for ax, (title, c) in zip(panels, curves, strict=False): panel(ax, title, c)
    for ax in panels[len(curves):]: ax.remove()
    key = {label: handle for ax in fig.axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    fig.legend([key[k] for k in KEY if k in key], [k for k in KEY if k in key], loc='outside lower center', ncols=2, fontsize=9)
    return fig


def bounds(curves):
    "Of the scale, by what was measured and the laws: an interval of a forecast from few shares may be wider than all of it."
    low = [o['low'] for c in curves for o in (*c['points'], *c['line']) if o['low'] is not None]
    bottom = min(low, default=.5)
    return bottom - .05*(1 - bottom), 1 + .05*(1 - bottom)


def why(c): return c['reason'].removeprefix('not defined, because ')


def panel(ax, title, c):
    measured(ax, c['points'])
    extrapolated(ax, c)
    checked(ax, c['checks'])
    ax.set_xscale('log')
    ticks(ax, c)
    ax.set(xlabel='training patients', ylabel=f'AUROC on {c["split"]}')
    ax.set_title(title + ('' if c['line'] else '\n' + textwrap.fill(f'no law: {why(c)}', LETTERS)), fontsize=11)
    ax.grid(alpha=.25)


def measured(ax, points):
    "Each training, the mean of each share and its interval over patients."
    some = [p for p in points if p['mean'] is not None]
    for p in some:
        values = [v for v in p['by_repetition'] if v is not None]
        if len(values) > 1: ax.plot([p['patients']/ASIDE]*len(values), values, 'o', color=BLUE, markersize=5, alpha=.6, markeredgewidth=0,
                                    label=EACH)
        ends = [[p['mean'] - p['low']], [p['high'] - p['mean']]] if p['low'] is not None else None
        ax.errorbar(p['patients'], p['mean'], yerr=ends, fmt='o', color=BLUE, markersize=9, markerfacecolor='white', markeredgewidth=2,
                    capsize=4, zorder=4, label=MEASURED)


def extrapolated(ax, c):
    "The law, solid where it was measured and dashed beyond, its band, and the forecasts in numbers; nothing where there is none."
    if not c['line']: return
    end = c['points'][-1]['patients']
    x, y, low, high = ([o[k] for o in c['line']] for k in ('patients', 'value', 'low', 'high'))
    ax.fill_between(x, low, high, color=ORANGE, alpha=.15, linewidth=0, label=BAND)
    known = sum(v <= end*1.0001 for v in x)
    ax.plot(x[:known], y[:known], color=ORANGE, linewidth=2, label=LAW)
    ax.plot(x[max(known - 1, 0):], y[max(known - 1, 0):], '--', color=ORANGE, linewidth=2, label=BEYOND)
    ax.axvspan(end, x[-1]*1.3, color=GREY, alpha=.08, linewidth=0)
    for f in c['forecasts']: shown(ax, f)


def shown(ax, f):
    ax.plot(f['patients'], f['value'], 'D', color=ORANGE, markersize=7, zorder=4)
    ax.annotate(f'{f["times"]}\u00d7: {f["value"]:.3f}\n{f["low"]:.2f} to {f["high"]:.2f}', (f['patients'], f['low']), (6, -5),
                textcoords='offset points', ha='right' if f['times'] > 5 else 'center', va='top', fontsize=9)


def checked(ax, checks):
    "What the smaller shares alone had forecast, beside what was measured."
    for k in (k for k in checks if k['value'] is not None):
        ax.errorbar(k['patients']*ASIDE, k['value'], yerr=[[k['value'] - k['low']], [k['high'] - k['value']]], fmt='s', color=PURPLE,
                    markersize=6, capsize=3, linewidth=1, zorder=3, label=CHECK)


def ticks(ax, c):
    "The patients of each share and of each forecast, in numbers."
    at = [p['patients'] for p in c['points']] + [f['patients'] for f in c['forecasts']]
    if c['line']: ax.set_xlim(at[0]*.8, at[-1]*1.3)
    ax.set_xticks(at)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f'{x:,.0f}'))
