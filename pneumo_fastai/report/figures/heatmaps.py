"Radiographs with heatmap and boxes: a grid, over the epochs, as an animation, and on average."
import math
import textwrap
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from PIL import Image

from ...errors import InputError
from ...writing import whole
from .heat import ON_GREY, rgba
from .style import SKY, figure


def draw_panel(ax, image, title, heat, boxes):
    ax.imshow(image, cmap='gray', vmin=0, vmax=255)
    if heat is not None: ax.imshow(rgba(heat))
    for x, y, width, height in boxes:
        ax.add_patch(Rectangle((x - .5, y - .5), width, height, fill=False, edgecolor=SKY, linewidth=1.8,
                               path_effects=[withStroke(linewidth=3.2, foreground='black')]))
    ax.set_title('\n'.join(line for part in title.split('\n') for line in textwrap.wrap(part, 40)), fontsize=8, parse_math=False)


def bar(fig, axes, scale):
    "What the colours of heat mean, below all panels; nothing without a `Scale`."
    if scale is None: return
    shown = fig.colorbar(ScalarMappable(cmap=ON_GREY), ax=axes, location='bottom', shrink=.7, aspect=40, label=scale.label)
    shown.set_ticks((0, .5, 1), labels=scale.at(0, .5, 1))


def image_grid(
    images,          # 2-D arrays, bright = dense, 0 to 255
    titles,          # one for each image; long ones are wrapped
    maps=None,       # for each image an array of its shape in [0, 1], or None: laid over it, clear where low
    boxes=None,      # for each image a list of x, y, width, height in its pixels, from the top left corner
    columns=3,
    synthetic=False,
    scale=None,      # `heat.Scale`, what the maps' colours mean
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
    fig = figure((3.2*columns, 3.7*rows + .4*synthetic + .7*(scale is not None)), synthetic)
    fig.get_layout_engine().set(h_pad=.1)
    axes = fig.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes: ax.set_axis_off()
    for ax, *panel in zip(axes, images, titles, maps, boxes, strict=False): draw_panel(ax, *panel)
    bar(fig, axes, scale)
    return fig


def attention(
    images,   # (n, h, w) uint8
    kept,     # (title, heat (n, h, w)) of each moment
    boxes,    # for each image a list of x, y, width, height
    scale,    # `heat.Scale`, what the maps' colours mean
    synthetic=False,
):
    "A row an image, a column a moment of training."
    fig = figure((1.6*len(kept), 1.75*len(images) + 1.1), synthetic)
    axes = fig.subplots(len(images), len(kept), squeeze=False)
    for j, (title, heat) in enumerate(kept):
        for i, ax in enumerate(axes[:, j]):
            draw_panel(ax, images[i], title if i == 0 else '', heat[i], boxes[i])
            ax.set_axis_off()
    bar(fig, axes, scale)
    return fig


def save_animation(
    figs,
    path,          # ending in .gif
    milliseconds,  # each is shown for
):
    "Figures of one size as one animated picture, the last shown for longer, whole or not at all."
    frames = []
    for fig in figs:
        fig.savefig(buffer := BytesIO(), dpi=70)
        frames.append(Image.open(buffer).convert('RGB').quantize(128))
    times = [milliseconds]*(len(frames) - 1) + [4*milliseconds]
    with whole(path) as beside:
        frames[0].save(beside, format='GIF', save_all=True, append_images=frames[1:], duration=times, loop=0)
    return Path(path)


def mean_maps(
    maps,  # name -> (n, mean map (h, w)); and, under a name of its own, the mean box of the training images where there are any
    synthetic=False,
):
    "Mean maps side by side; each image's own went from 0 to 1, so that all count alike."
    fig = figure((3*len(maps) + .6, 3.2), synthetic)
    axes = fig.subplots(1, len(maps), squeeze=False)[0]
    for ax, (name, (n, heat)) in zip(axes, maps.items(), strict=True):
        shown = ax.imshow(np.asarray(heat), cmap='inferno', vmin=0, vmax=1)
        ax.set(title=f'{name}, n = {n}', xticks=[], yticks=[])
    fig.colorbar(shown, ax=axes, shrink=.8, label='mean share of the hottest place')
    return fig


def spread(rows, n=9):
    "`n` rows for a panel: pneumonia from the surest to the most missed, then no pneumonia from the falsest alarm to the surest."
    def some(label, n):
        each = rows[rows.label == label].sort_values('probability', ascending=False, kind='stable')
        return each.iloc[np.unique(np.linspace(0, len(each) - 1, min(len(each), n)).round().astype(int))]
    few = some(1, n * 2 // 3)
    return pd.concat([few, some(0, n - len(few))])


def cases(
    rows,       # columns label, probability
    threshold,
):
    "The clearest of each that there is: pneumonia found and missed, a false alarm, healthy called so; `case` says which."
    called = rows.probability >= threshold
    kinds = {'pneumonia, found': (rows.label == 1) & called, 'pneumonia, missed': (rows.label == 1) & ~called,
             'healthy, false alarm': (rows.label == 0) & called, 'healthy, called so': (rows.label == 0) & ~called}
    def clearest(case, some):
        order = some.sort_values('probability', ascending=case in ('pneumonia, missed', 'healthy, called so'), kind='stable')
        return order.head(1).assign(case=case)
    return pd.concat([clearest(case, rows[which]) for case, which in kinds.items()])
