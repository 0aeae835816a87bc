"AUROC on test against minutes of training, a point a recipe. Returns a matplotlib Figure."
import textwrap

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from .style import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, figure

WIDE, LINE, LETTERS = 10, .17, 46  # inches, inches of a line of a name, letters in one
ASIDE = .8                         # inches of a panel that are title and ticks
LOOKS = [(BLUE, 'o'), (ORANGE, 's'), (GREEN, '^'), (PURPLE, 'D'), (SKY, 'v'), (RED, 'P'), (GREY, 'X')]  # by hardware
TICKS = 1, 2, 5


def timed(row): return None not in (row['values']['minutes']['mean'], row['values']['auroc']['mean'])


def tested_on(t): return t['data'] + (f', held out: {t["held_out"]}' if t['held_out'] != 'none' else '')


def auroc_minutes(tables):  # of `tables.recipes`
    "A panel for each data set and kind of test, below each other; points of one colour are of one hardware: their minutes can be compared."
    panels = {}
    for t in tables:
        shown = panels.setdefault(tested_on(t), {})  # by name: what is as it is shipped may stand in two tables
        shown.update({label(r): r for r in t['rows'] if timed(r)})
    panels = {k: list(rows.values()) for k, rows in panels.items() if rows}
    synthetic = {tested_on(t) for t in tables if t['synthetic']}
    looks = {k: LOOKS[i % len(LOOKS)] for i, k in enumerate(dict.fromkeys(on(r) for rows in panels.values() for r in rows))}
    heights = [max(3., ASIDE + 1.2*LINE*sum(lines(label(r)) for r in rows)) for rows in panels.values()]
    fig = figure((WIDE, sum(heights) + .3*len(looks)), synthetic=panels.keys() <= synthetic)
    axes = fig.subplots(len(panels), 1, squeeze=False, height_ratios=heights).ravel()
    for ax, (name, rows), height in zip(axes, panels.items(), heights, strict=True):
        panel(ax, rows, looks)
        named(ax, rows, looks, LINE/(height - ASIDE))
        ax.set_title(name + ' (synthetic data)'*(name in synthetic), fontsize=11, parse_math=False)
    axes[-1].set_xlabel('minutes of training')
    key = {label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    fig.legend(key.values(), key.keys(), loc='outside lower center', fontsize=8)
    return fig


def label(row): return row['name'] if row['at_size'] in row['name'] else f'{row["name"]}, {row["at_size"]}'
def on(row): return ' and '.join(row['hardware']) or 'hardware not stated'
def wrapped(name): return textwrap.fill(name, LETTERS)
def lines(name): return wrapped(name).count('\n') + 1


def panel(ax, rows, looks):
    "Mean and standard deviation over seeds of each row."
    for r in rows:
        (color, marker), auroc = looks[on(r)], r['values']['auroc']
        ax.errorbar(r['values']['minutes']['mean'], auroc['mean'], yerr=auroc['sd'] or None, fmt=marker, color=color, capsize=3,
                    markersize=7, markeredgecolor='white', label=on(r), zorder=3)
    ax.set(xscale='log', ylabel='AUROC on test', ylim=bounds([r['values']['auroc'] for r in rows]))
    ax.xaxis.set_major_locator(LogLocator(subs=TICKS))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f'{x:g}'))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.margins(x=.12)
    ax.grid(alpha=.25)


def bounds(aurocs):
    "Of the scale: a little more than the bars take, never much above 1."
    low, high = (f(a['mean'] + sign*(a['sd'] or 0) for a in aurocs) for f, sign in ((min, -1), (max, 1)))
    aside = .12*max(high - low, .05)
    return low - aside, max(min(high + aside, 1 + .3*aside), high)


def named(ax, rows, looks, line):
    "The name of each row to the right, in the order of AUROC, with a line to its point; `line`: the share of the height that one takes."
    rows = sorted(rows, key=lambda r: r['values']['auroc']['mean'])
    low, high = ax.get_ylim()
    at = np.array([(r['values']['auroc']['mean'] - low)/(high - low) for r in rows])
    for r, y in zip(rows, spaced(at, line*np.array([lines(label(r)) for r in rows])), strict=True):
        point = r['values']['minutes']['mean'], r['values']['auroc']['mean']
        arrow = dict(arrowstyle='-', color=GREY, linewidth=.5, alpha=.6, relpos=(0, .5), shrinkA=0, shrinkB=4)
        ax.annotate(wrapped(label(r)), point, (1.02, y), textcoords='axes fraction', va='center', fontsize=8.5, color=looks[on(r)][0],
                    arrowprops=arrow, parse_math=False)


def spaced(at, room):
    "Places from 0 to 1, upwards, as near to `at` as names that take so much `room` each may stand without touching."
    middle = np.cumsum(room) - room/2
    return middle + np.maximum.accumulate(np.clip(at - middle, 0, max(0, 1 - room.sum())))
