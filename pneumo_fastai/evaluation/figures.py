"The figures of a report. Each function returns a `matplotlib.figure.Figure`; no display is needed and no global state is kept."
import math
import textwrap
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import precision_recall_curve, roc_curve

from ..errors import InputError
from .folder import whole
from .report import NAMES, number

# Okabe and Ito (2008): told apart with every common kind of colour blindness; the line styles repeat the distinction
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY = '#0072B2', '#E69F00', '#009E73', '#D55E00', '#CC79A7', '#56B4E9', '#666666'
LINES = dict(auroc=(BLUE, '-', 2.5), accuracy=(ORANGE, '--', 1.5), precision=(GREEN, '-.', 1.5), recall=(RED, ':', 2.),
             specificity=(PURPLE, (0, (5, 1)), 1.5), f1=(SKY, (0, (3, 1, 1, 1)), 1.5))
# colour, line, marker and its size; valid is drawn over test, dashed and smaller, so that both are seen where they coincide
SPLITS = dict(test=(BLUE, '-', 'o', 11), valid=(ORANGE, '--', 's', 7))


def _figure(size, synthetic):
    fig = Figure(figsize=size, layout='constrained')
    if synthetic: fig.suptitle('synthetic data', color=RED, fontweight='bold', fontsize=11)
    return fig


def save(
    fig,
    path,  # the ending says the format
    dpi=120,
):
    "Write `fig` beside `path` and rename, so that the file appears whole or not at all; returns the path."
    with whole(path) as beside: fig.savefig(beside, dpi=dpi, bbox_inches='tight', pad_inches=.1)
    return Path(path)


def _mark_best(ax, history):
    if 'auroc' not in history or history['auroc'].isna().all(): return
    best = history.loc[history['auroc'].idxmax()]
    ax.axvline(best['epoch'], color=GREY, linewidth=1, zorder=0)
    ax.plot(best['epoch'], best['auroc'], '*', color=BLUE, markersize=15, markeredgecolor='white', clip_on=False, zorder=5,
            label=f'best: epoch {best["epoch"]:.0f},\nAUROC {best["auroc"]:.3f}')


def curves(
    history,          # columns epoch, train_loss, valid_loss and metrics, as fastai's CSVLogger writes them
    synthetic=False,
    n=None,           # images in valid, for the title
):
    "Losses, and the metrics on valid, by epoch; the epoch with the best AUROC is marked. `InputError` for a history without a row."
    if not len(history): raise InputError('the history has no epoch; train for one at least')
    fig = _figure((11, 4.2), synthetic)
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
        block = metrics['valid'] if name == 'valid' else metrics['test']['at_threshold']
        yield name, predictions[predictions['split'] == name], block, *style


def _unit_square(fig, title, xlabel, ylabel):
    ax = fig.subplots()
    ax.set(xlim=(-.01, 1.01), ylim=(-.01, 1.01), aspect='equal', xlabel=xlabel, ylabel=ylabel)
    ax.set_title(title, fontsize=11)
    ax.grid(alpha=.25)
    return ax


def _operating_point(ax, x, y, name, block, color, mark, size):
    ax.plot(x, y, mark, color=color, markersize=size, markeredgecolor='black', clip_on=False, zorder=5,
            label=f'{name} at threshold {block["threshold"]:.3f}')


def _about(metrics):
    t = metrics['test']
    return f'test: n = {t["n"]} images of {t["persons"]} persons, {t["prevalence"]:.0%} with pneumonia'


def roc(predictions, metrics, synthetic=False):
    "ROC curves of valid and test, AUROC with its 95% interval, chance, the operating point; `metrics` comes from `summary.evaluate`."
    fig = _figure((6, 6.4), synthetic)
    ax = _unit_square(fig, f'ROC\n{_about(metrics)}', '1 - specificity (false alarms)', 'recall (sensitivity)')
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
    fig = _figure((6, 6.4), synthetic)
    ax = _unit_square(fig, f'Precision and recall\n{_about(metrics)}', 'recall (sensitivity)', 'precision (positive predictive value)')
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
    fig = _figure((9, 4.6), synthetic)
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


def _panel(ax, image, title, heat, boxes):
    ax.imshow(image, cmap='gray', vmin=0, vmax=255)
    if heat is not None:
        colors = colormaps['inferno'](.25 + .75*np.asarray(heat, dtype=float))
        colors[..., 3] = .6*np.clip(heat, 0, 1)  # where the map is low, the radiograph itself is seen
        ax.imshow(colors)
    for x, y, width, height in boxes:
        ax.add_patch(Rectangle((x - .5, y - .5), width, height, fill=False, edgecolor=SKY, linewidth=1.8,
                               path_effects=[withStroke(linewidth=3.2, foreground='black')]))
    ax.set_title('\n'.join(line for part in title.split('\n') for line in textwrap.wrap(part, 40)), fontsize=8, parse_math=False)


def image_grid(
    images,          # 2-D arrays, bright = dense, 0 to 255
    titles,          # one for each image; long ones are wrapped
    maps=None,       # for each image an array of its shape in [0, 1], or None: laid over it, clear where low
    boxes=None,      # for each image a list of x, y, width, height in its pixels, from the top left corner
    columns=3,
    synthetic=False,
):
    "Radiographs in rows of `columns`; `InputError` for no image, lists that differ in length, or a map of another shape than its image."
    n = len(images)
    maps, boxes = [None]*n if maps is None else maps, [()]*n if boxes is None else boxes
    if not n or not len(titles) == len(maps) == len(boxes) == n:
        raise InputError(f'{n} images, {len(titles)} titles, {len(maps)} maps, {len(boxes)} sets of boxes; give one of each an image')
    for i, (image, heat) in enumerate(zip(images, maps, strict=True)):
        if np.ndim(image) != 2 or (heat is not None and np.shape(heat) != np.shape(image)):
            raise InputError(f'image {i} has shape {np.shape(image)} and its map {np.shape(heat)}; give 2-D arrays of one shape')
    columns = min(columns, n)
    rows = math.ceil(n/columns)
    fig = _figure((3.2*columns, 3.7*rows + .4*synthetic), synthetic)
    fig.get_layout_engine().set(h_pad=.1)
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes: ax.set_axis_off()
    for ax, *panel in zip(axes, images, titles, maps, boxes, strict=False): _panel(ax, *panel)
    return fig
