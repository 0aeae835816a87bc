"Radiographs as they are and as training changes them."
import textwrap

import numpy as np
import pandas as pd
from fastcore.docments import docments
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from ...data.cohort import CLASSES
from ...recipe import Augmentation
from .style import RED, SKY

LETTERS = 13  # of the heading, in an inch


def examples(table, n=2) -> pd.DataFrame:
    "Up to `n` rows of each class, pneumonia first, evenly through train, or all where no splits are; with boxes, where any has."
    train = table[table.split == 'train'] if (table.split == 'train').any() else table
    def some(rows):
        boxed = rows[rows.boxes.map(bool)]
        rows = boxed if len(boxed) else rows
        return rows.iloc[np.unique(((np.arange(n) + .5) / n * len(rows)).astype(int))] if len(rows) else rows
    return pd.concat([some(train[train.label == label]) for label in (1, 0)])


def augmented_page(
    title,     # what is shown, in a line
    changes,   # field of `Augmentation` -> its value
    labels,    # 0 or 1 of each image
    images,    # (images, forms, size, size) in 0..1, the first form of each as it is
    masks,     # of the same shape: where its boxes are
    before='normalisation',  # what follows, in training
    synthetic=False,
) -> Figure:
    "A row an image, a column a form of it; outlined where its boxes are."
    rows, columns, size, _ = images.shape
    width = 2.1*columns + .3
    lines = heading_lines(changes, size, before, masks.any(), int(LETTERS*width))
    heights = [.65 + .2*len(lines), 2.1*rows + .35]
    fig = Figure(figsize=(width, sum(heights)), layout='constrained')
    top, below = fig.subfigures(2, 1, height_ratios=heights)
    heading(top, title, lines, heights[0], synthetic)
    axes = below.subplots(rows, columns, squeeze=False)
    for across, label, *of in zip(axes, labels, images, masks, strict=True):
        across[0].set_ylabel(CLASSES[label], fontsize=11)
        for ax, image, mask in zip(across, *of, strict=True): draw_form(ax, image, mask)
    for k, ax in enumerate(axes[0]): ax.set_title(f'augmented, {k}' if k else 'as it is', fontsize=11)
    return fig


def heading(part, title, lines, height, synthetic):
    part.text(.01, 1 - .12/height, title, fontsize=15, fontweight='bold', va='top', parse_math=False)
    part.text(.01, 1 - .5/height, '\n'.join(lines), fontsize=10, va='top', color='#333333', linespacing=1.35, parse_math=False)
    if synthetic: part.text(.99, 1 - .12/height, 'synthetic data', fontsize=15, fontweight='bold', color=RED, ha='right', va='top')


def heading_lines(changes, size, before, boxed, letters):
    meaning, outlined = docments(Augmentation, returns=False), " Outlined: the pixels in readers' boxes." if boxed else ''
    said = f'What the network sees, {size} x {size} pixels, before {before}; in training drawn anew each time.{outlined}'
    each = [f'    {name} {value:g}: {meaning[name]}' for name, value in changes.items()]
    return [*textwrap.wrap(said, letters), *each, 'For research and education, not for diagnosis.']


def draw_form(ax, image, mask):
    size, at = len(image), np.arange(-1, len(image) + 1)
    ax.imshow(image, cmap='gray', vmin=0, vmax=1)
    if mask.any():
        ax.contour(at, at, np.pad(mask, 1).astype(float), levels=[.5], colors=[SKY], linewidths=1.6).set_path_effects(
            [withStroke(linewidth=3, foreground='black')])
    ax.set(xticks=[], yticks=[], xlim=(-.5, size - .5), ylim=(size - .5, -.5))
    for spine in ax.spines.values(): spine.set_visible(False)
