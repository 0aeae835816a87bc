"What an image's edge and grey levels say, without a look at the lungs: bars, constant and saturated images, statistics of the frame."
import numpy as np
import pandas as pd
from fastcore.basics import chunked

from .decoding.resize import covered

SIDES = 'top', 'bottom', 'left', 'right'
FRAME = 1/16    # the frame's width, as a share of the image's side
BAR = 0.02      # a bar is at least this share of the side wide
ALIKE = 6       # grey levels by which a bar's pixels may differ from its tone: JPEG's ripples are smaller
MOST = 0.95     # share of a line's pixels that must be alike, so that a letter in the bar does not hide it
SATURATED = 0.25    # share of pixels at 0 or 255 above which an image is named
CHUNK = 256     # images in memory at a time
EDGE = [f'{side}_{what}' for side in SIDES for what in ('mean', 'spread')] + [f'corner_{i}' for i in range(4)]


def blocks(
    pixels,  # a `Pixels`
    paths,   # whose images
    aspect,  # as they were made square
    tick=None,  # called with (images done, images in all)
):
    "Yields (positions in `paths`, their images (k, h, w) uint8 without padding), films of one shape together."
    source, size = pixels.table.loc[list(paths)], pixels.array.shape[1]
    rows, done = source.row.to_numpy(), 0
    boxes = [covered(h, w, size, aspect, tall) for h, w, tall in zip(source.height, source.width, source.tall, strict=True)]
    for box, where in pd.Series(range(len(rows))).groupby(pd.Series(boxes)):
        for some in map(list, chunked(where, CHUNK)):
            top, bottom, left, right = box
            yield some, np.ascontiguousarray(pixels.read(rows[some])[:, top:bottom, left:right])
            done += len(some)
            if tick: tick(done, len(rows))


def side_first(images, side):
    "(k, lines, pixels a line), the line at `side` first, a third of the way in."
    images = images if side in ('top', 'bottom') else images.swapaxes(1, 2)
    return images[:, ::-1 if side in ('bottom', 'right') else 1][:, :max(1, images.shape[1]//3)]


def bar(lines) -> tuple[np.ndarray, np.ndarray]:
    "For each image the share of the side that is a bar of one tone, from the edge inwards (a third at most), and the tone."
    tone = np.median(lines[:, 0], axis=1).astype(np.int16)
    near = np.abs(lines - tone[:, None, None]) <= ALIKE
    alike = near.mean(2) >= MOST
    width = np.where(alike.all(1), alike.shape[1], alike.argmin(1)) / (3*alike.shape[1])
    return np.where(width >= BAR, width, 0), tone


def measures(images) -> dict:
    "Name -> [k] for images (k, h, w) uint8: `constant`, `saturated`, `<side>_bar`, `<side>_tone` and the statistics of EDGE."
    low, high = images.min((1, 2)), images.max((1, 2))
    found = dict(constant=high == low, saturated=((images == 0) | (images == 255)).mean((1, 2)))
    for side in SIDES:
        lines = side_first(images, side)
        found[f'{side}_bar'], found[f'{side}_tone'] = bar(lines)
        edge = lines[:, :max(1, round(3*lines.shape[1]*FRAME))].astype(np.float32)
        found |= {f'{side}_mean': edge.mean((1, 2)), f'{side}_spread': edge.std((1, 2))}
    h, w = (max(1, side//8) for side in images.shape[1:])     # where a film's letters and marks lie
    corners = images[:, :h, :w], images[:, :h, -w:], images[:, -h:, :w], images[:, -h:, -w:]
    return found | {f'corner_{i}': np.quantile(c.reshape(len(c), -1), 0.99, axis=1) for i, c in enumerate(corners)}


def looks(pixels, paths, aspect, tick=None) -> pd.DataFrame:
    "`measures` of every image, one row a path in the order of `paths`."
    parts = [pd.DataFrame(measures(images), index=some) for some, images in blocks(pixels, paths, aspect, tick)]
    return pd.concat(parts).sort_index().set_index(pd.Index(list(paths), name='path'))
