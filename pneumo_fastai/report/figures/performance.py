"Figures of performance: training curves, ROC, precision and recall, confusion matrix. Each returns a matplotlib Figure."
import numpy as np
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import precision_recall_curve, roc_curve

from ...errors import InputError
from ..labels import NAMES, number
from .style import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, figure, unit_square

LINES = dict(auroc=(BLUE, '-', 2.5), accuracy=(ORANGE, '--', 1.5), precision=(GREEN, '-.', 1.5), recall=(RED, ':', 2.),
             specificity=(PURPLE, (0, (5, 1)), 1.5), f1=(SKY, (0, (3, 1, 1, 1)), 1.5))
# colour, line, marker and its size; valid is drawn over test, dashed and smaller, so that both are seen where they coincide
SPLITS = {'test': (BLUE, '-', 'o', 11), 'valid': (ORANGE, '--', 's', 7), 'own test': (ORANGE, '--', 's', 7)}


def _mark_best(ax, history):
    if 'auroc' not in history or history['auroc'].isna().all(): return
    best = history.loc[history['auroc'].idxmax()]
    ax.axvline(best['epoch'], color=GREY, linewidth=1, zorder=0)
    ax.plot(best['epoch'], best['auroc'], '*', color=BLUE, markersize=15, markeredgecolor='white', clip_on=False, zorder=5,
            label=f'best: epoch {best["epoch"]:.0f},\nAUROC {best["auroc"]:.3f}')


def curves(
    history,          # columns epoch, train_loss, valid_loss and metrics, as `History` writes them
    synthetic=False,
    n=None,           # images in valid, for the title
):
    "Losses, and the metrics on valid, by epoch; the epoch with the best AUROC is marked. `InputError` for a history without a row."
    if not len(history): raise InputError('the history has no epoch; train for one at least')
    fig = figure((11, 4.2), synthetic)
    losses, metrics = fig.subplots(1, 2)
    size = 4 if len(history) < 30 else 0
    for name, color, style, mark in (('train', ORANGE, '--', 's'), ('valid', BLUE, '-', 'o')):
        losses.plot(history['epoch'], history[f'{name}_loss'], style, color=color, marker=mark, markersize=size, label=name)
    for name, (color, style, width) in LINES.items():
        if name not in history or history[name].isna().all(): continue
        metrics.plot('epoch', name, data=history, c=color, ls=style, lw=width, marker='o', ms=size, label=NAMES.get(name, name))
    _mark_best(metrics, history)
    metrics.set(title='Metrics on valid, calls at 0.5' + (f', n = {n} images' if n else ''), ylim=(-.02, 1.02))
    for ax in (losses, metrics):
        ax.set_xlabel(f'epoch ({len(history)} in all)')
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.grid(alpha=.25)
    losses.set_title('Loss')
    losses.legend()
    metrics.legend(loc='upper left', bbox_to_anchor=(1.01, 1), borderaxespad=0, fontsize=9)
    return fig


def _splits(predictions, metrics):
    "Each split with its rows, its block of numbers, and style."
    for name, style in SPLITS.items():
        if not len(rows := predictions[predictions['split'] == name]): continue
        of = metrics['own'] if name == 'own test' else metrics
        yield name, rows, of['valid'] if name == 'valid' else of['test']['at_threshold'], *style


def _operating_point(ax, x, y, name, block, color, mark, size):
    ax.plot(x, y, mark, color=color, markersize=size, markeredgecolor='black', clip_on=False, zorder=5,
            label=f'{name} at threshold {block["threshold"]:.3f}')


def _about(metrics):
    t = metrics['test']
    return f'test: n = {t["n"]} images of {t["patients"]} patients, {t["prevalence"]:.0%} with pneumonia'


def roc(predictions, metrics, synthetic=False):
    "ROC curves of valid and test, AUROC with its 95% interval, chance, the operating point; `metrics` comes from `results.evaluate`."
    fig = figure((6, 6.4), synthetic)
    ax = unit_square(fig, f'ROC\n{_about(metrics)}', '1 - specificity (false alarms)', 'recall (sensitivity)')
    for name, rows, block, color, style, mark, size in _splits(predictions, metrics):
        label = f'{name} (n = {len(rows)}): AUROC {number(block["auroc"])}'
        x, y = roc_curve(rows['label'], rows['probability'])[:2] if block['auroc']['value'] is not None else ([], [])
        ax.plot(x, y, color=color, linestyle=style, label=label)
        if len(x):
            _operating_point(ax, 1 - block['specificity']['value'], block['recall']['value'], name, block, color, mark, size)
    ax.plot([0, 1], [0, 1], color=GREY, linestyle=':', label='chance: AUROC 0.5')
    ax.legend(loc='lower right', fontsize=9)
    return fig


def precision_recall(predictions, metrics, synthetic=False):
    "Precision against recall on valid and test, the operating point, and the prevalence of test: the precision of chance."
    fig = figure((6, 6.4), synthetic)
    ax = unit_square(fig, f'Precision and recall\n{_about(metrics)}', 'recall (sensitivity)', 'precision (positive predictive value)')
    for name, rows, block, color, style, mark, size in _splits(predictions, metrics):
        label = f'{name} (n = {len(rows)}): average precision {number(block["average_precision"])}'
        defined = block['average_precision']['value'] is not None
        y, x = precision_recall_curve(rows['label'], rows['probability'])[:2] if defined else ([], [])
        if defined: y[-1] = y[-2]  # sklearn ends at (0, 1), which no threshold reaches
        ax.step(x, y, where='post', color=color, linestyle=style, label=label)  # the area below is the average precision
        if defined and block['precision']['value'] is not None:
            _operating_point(ax, block['recall']['value'], block['precision']['value'], name, block, color, mark, size)
    share = metrics['test']['prevalence']
    ax.axhline(share, color=GREY, linestyle=':', label=f'chance: prevalence of test {share:.2f}')
    ax.legend(loc='upper center', bbox_to_anchor=(.5, -.12), fontsize=9, ncols=1)
    return fig


def confusion_matrix(metrics, synthetic=False):
    "Counts, and percentages of each true class, on test at the chosen threshold and at 0.5."
    fig = figure((9, 4.6), synthetic)
    for ax, key in zip(fig.subplots(1, 2), ('at_threshold', 'at_0.5'), strict=True):
        block = metrics['test'][key]
        counts = np.array([[block['tn'], block['fp']], [block['fn'], block['tp']]])
        share = counts/np.maximum(counts.sum(1, keepdims=True), 1)
        ax.imshow(share, cmap='Blues', vmin=0, vmax=1)
        for (i, j), n in np.ndenumerate(counts):
            part = f'{share[i, j]:.0%}' if counts[i].any() else 'no such image'
            ax.text(j, i, f'{n}\n{part}', ha='center', va='center', fontsize=14, color='white' if share[i, j] > .7 else 'black')
        ax.set(xticks=[0, 1], xticklabels=['no pneumonia', 'pneumonia'], yticks=[0, 1], yticklabels=['no pneumonia', 'pneumonia'],
               xlabel='called', ylabel='label')
        ax.tick_params(axis='y', labelrotation=90)
        for label in ax.get_yticklabels(): label.set_va('center')
        ax.set_title(f'test at {block["threshold"]:.3f}' + (' (chosen on valid)' if key == 'at_threshold' else '')
                     + f', n = {block["n"]}', fontsize=11)
    return fig
