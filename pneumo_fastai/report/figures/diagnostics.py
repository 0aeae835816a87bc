"Figures of what lies beyond the curves: calibration, the most uncertain images left out, subgroups. Each returns a matplotlib Figure."
import numpy as np

from ..labels import number
from .style import BLUE, GREEN, GREY, ORANGE, RED, SKY, figure, unit_square

ATTRIBUTES = dict(view='view', sex='sex', age='age in years', detail='class of the challenge', number_of_boxes='boxes drawn by readers',
                  box_area='box area, pixels')


def reliability(calibration, synthetic=False):
    "Observed share of pneumonia against the probability, before and after calibration, and below each how many images there are."
    fig = figure((9.5, 5.6), synthetic)
    most = max((row['n'] for key in ('before', 'after') for row in calibration[key]['table']), default=1)
    axes = fig.subplots(2, 2, sharex=True, sharey='row', height_ratios=[3, 1])
    for (top, bottom), key, color in zip(axes.T, ('before', 'after'), (ORANGE, BLUE), strict=True):
        measures = calibration[key]
        rows = [row for row in measures['table'] if row['n']]
        x, y, n = (np.array([row[k] for row in rows]) for k in ('mean_probability', 'observed', 'n'))
        top.plot([0, 1], [0, 1], ':', color=GREY, label='perfect')
        top.plot(x, y, '-', color=color, linewidth=1)
        top.scatter(x, y, 12 + 180*n/most, color=color, edgecolor='black', linewidth=.6, zorder=3, label='images of one bin')
        method = '' if key == 'before' else f': {calibration["chosen"]["method"].replace("_", " ")}'
        top.set_title(f'{key} calibration{method}\nECE {measures["ece"]:.3f}, n = {measures["n"]}', fontsize=11)
        top.set(xlim=(-.03, 1.03), ylim=(-.05, 1.05))
        middles = [(row['low'] + row['high'])/2 for row in rows]
        bars = bottom.bar(middles, n, width=.9/measures['bins'], color=color)
        bottom.bar_label(bars, n, fontsize=8)
        bottom.set(xlabel='probability of pneumonia', ylim=(0, 1.25*most))
        for ax in (top, bottom): ax.grid(alpha=.25)
    axes[0, 0].set_ylabel('observed share with pneumonia')
    axes[1, 0].set_ylabel('images')
    axes[0, 0].legend(loc='upper left', fontsize=9, markerscale=.6)
    return fig


def risk_coverage(uncertainty, synthetic=False):
    "Share of wrong calls among the images the model keeps, by the share it keeps; the crosses are what the table of referral says."
    fig = figure((7, 4.6), synthetic)
    ax, curve = fig.subplots(), uncertainty['risk_coverage']
    ax.plot(curve['coverage'], curve['risk'], color=BLUE, label='wrong calls among the surest images')
    if curve['risk']: ax.axhline(curve['risk'][-1], color=GREY, linestyle=':', label=f'all images: {curve["risk"][-1]:.1%} wrong')
    kept = [r for r in uncertainty['referral'] if r['n'] and r['accuracy']['value'] is not None]
    ax.plot([1 - r['referred'] for r in kept], [1 - r['accuracy']['value'] for r in kept], 'x', color=RED, markersize=9, mew=2,
            label='cuts of the table')
    ax.set(xlim=(0, 1.02), xlabel='share of images left to the model, the surest first', ylabel='share of wrong calls among them',
           title='Uncertain images to a radiologist: what is left')
    ax.set_ylim(0, top := max(.02, 1.1*max(curve['risk'], default=0)))
    ax.xaxis.set_major_formatter('{x:.0%}')
    ax.yaxis.set_major_formatter('{x:.0%}' if top > .1 else '{x:.1%}')
    ax.grid(alpha=.25)
    ax.legend(fontsize=9)
    return fig


def _lines(subgroups):
    "(text, AUROC or None for a heading, whether small), from the top of the plot down."
    for name, block in subgroups['by'].items():
        yield ATTRIBUTES.get(name, name), None, False
        for g in block['groups']: yield f'{g["group"]} (n = {g["n"]}, {g["positives"]} with pneumonia)', g['auroc'], g['small']


def forest(subgroups, overall, synthetic=False):
    "AUROC with its interval by subgroup; hollow where the group is small. `overall` is the AUROC of all of test."
    lines = list(_lines(subgroups))
    fig = figure((9, 1.4 + .27*len(lines)), synthetic)
    ax = fig.subplots()
    for y, (_, auroc, small) in enumerate(lines):
        if auroc is None: continue
        if auroc['value'] is None:
            ax.text(.01, y, 'not defined', va='center', fontsize=8, color=GREY, transform=ax.get_yaxis_transform())
            continue
        if auroc['low'] is not None: ax.plot([auroc['low'], auroc['high']], [y, y], color=GREY if small else BLUE, linewidth=1.6)
        ax.plot(auroc['value'], y, 'o', color=BLUE, markerfacecolor='white' if small else BLUE, markersize=6)
    if overall['value'] is not None:
        ax.axvline(overall['value'], color=GREEN, linestyle='--', linewidth=1, label=f'all of test: AUROC {number(overall)}')
        ax.legend(loc='upper left', bbox_to_anchor=(0, -.35/fig.get_figheight() - .05), fontsize=9)
    ax.axvline(.5, color=GREY, linestyle=':', linewidth=1)
    ax.set(ylim=(len(lines) - .4, -.8), xlabel='AUROC, 95% interval; hollow: small group; dotted: chance')
    ax.set_yticks(range(len(lines)), [text for text, *_ in lines], fontsize=9, parse_math=False)
    for label, (_, auroc, _) in zip(ax.get_yticklabels(), lines, strict=True): label.set_fontweight('bold' if auroc is None else 'normal')
    ax.grid(axis='x', alpha=.25)
    return fig


def roc_by_fold(rows, result, synthetic=False):
    "A thin curve for each fold, a thick one for all; `rows` have label, probability and fold, `result` is that of `written.measure_folds`."
    from sklearn.metrics import roc_curve
    fig = figure((6, 6.4), synthetic)
    about = f'{result["n"]:,} images of {result["patients"]:,} patients, {result["prevalence"]:.0%} with pneumonia'
    ax = unit_square(fig, f'ROC, {result["folds"]} folds\n{about}', '1 - specificity (false alarms)', 'recall (sensitivity)')
    defined = [f for f in result['by_fold'] if f['auroc'] is not None]
    values = [f['auroc'] for f in defined]
    for f in defined:
        one, label = rows[rows['fold'] == f['fold']], f'each fold: AUROC {min(values):.3f} to {max(values):.3f}'
        ax.plot(*roc_curve(one['label'], one['probability'])[:2], color=SKY, linewidth=1, label=label if f is defined[0] else None)
    if result['test']['at_threshold']['auroc']['value'] is not None:
        ax.plot(*roc_curve(rows['label'], rows['probability'])[:2], color=BLUE, linewidth=2.6,
                label=f'all together: AUROC {number(result["test"]["at_threshold"]["auroc"])}')
    if defined: ax.plot([1 - f['specificity'] for f in defined], [f['recall'] for f in defined], 'o', color=SKY, markeredgecolor='black',
                        clip_on=False, zorder=5, label='each fold at its own threshold')
    ax.plot([0, 1], [0, 1], color=GREY, linestyle=':', label='chance: AUROC 0.5')
    ax.legend(loc='lower right', fontsize=9)
    return fig
