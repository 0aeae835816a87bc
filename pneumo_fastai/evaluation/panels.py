"Radiographs with heat beyond a single grid: over the epochs, as an animation, and on average."
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from .figures import _figure, _panel
from .folder import whole


def attention(
    images,   # (n, h, w) uint8
    kept,     # (title, heat (n, h, w)) of each moment
    boxes,    # for each image a list of x, y, width, height
    synthetic=False,
):
    "A row an image, a column a moment of training."
    fig = _figure((1.6*len(kept), 1.75*len(images) + .4), synthetic)
    axes = fig.subplots(len(images), len(kept), squeeze=False)
    for j, (title, heat) in enumerate(kept):
        for i, ax in enumerate(axes[:, j]):
            _panel(ax, images[i], title if i == 0 else '', heat[i], boxes[i])
            ax.set_axis_off()
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
    "Mean maps side by side, on one scale of heat from 0 to 1."
    fig = _figure((3*len(maps) + .6, 3.2), synthetic)
    axes = fig.subplots(1, len(maps), squeeze=False)[0]
    for ax, (name, (n, heat)) in zip(axes, maps.items(), strict=True):
        shown = ax.imshow(np.asarray(heat), cmap='inferno', vmin=0, vmax=1)
        ax.set(title=f'{name}, n = {n}', xticks=[], yticks=[])
    fig.colorbar(shown, ax=axes, shrink=.8)
    return fig


def spread(rows, n=9):
    "`n` rows for a panel: pneumonia from the surest to the most missed, then the falsest alarms."
    found = rows[rows.label == 1].sort_values('probability', ascending=False, kind='stable')
    alarms = rows[rows.label == 0].sort_values('probability', ascending=False, kind='stable')
    few = found.iloc[np.unique(np.linspace(0, len(found) - 1, min(len(found), n * 2 // 3)).round().astype(int))]
    return pd.concat([few, alarms.head(n - len(few))])
