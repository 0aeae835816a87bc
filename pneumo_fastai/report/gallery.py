"top_losses.html: the images a model got most wrong, one under the other, each beside its heatmap; written row by row."
import base64
import math
from functools import lru_cache
from io import BytesIO
from pathlib import PurePath

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex
from PIL import Image

from ..writing import whole
from .figures.heat import ALPHA, CHOSEN, ON_GREY
from .figures.heat import COLORS as HEAT
from .html import Page, document

NAMES = 'no pneumonia', 'pneumonia'
LEAST = 1e-12  # of a probability, so that no loss is infinite
COLORS = [to_hex(ON_GREY(share)) for share in np.linspace(0, 1, 11)]  # of the strip that says what they mean


def overlaid(
    image, heat,
    opacity=1.,  # of the hottest colours' own
) -> np.ndarray:
    "A (h, w) uint8 image under its heat (h, w) in 0..1, as (h, w, 3) uint8."
    level = (np.clip(heat, 0, 1) * 255).round().astype(np.uint8)
    return blended(opacity)[level, image]


@lru_cache(4)
def blended(opacity) -> np.ndarray:
    "The colour of each level of heat over each level of grey, (256, 256, 3) uint8."
    alpha, grey = opacity * ALPHA, np.arange(256, dtype=np.float32)[:, None]
    kept, added = (1 - alpha).astype(np.float32), (255 * alpha * HEAT).astype(np.float32)
    return (grey * kept[:, None] + added[:, None]).round().astype(np.uint8)


def jpeg(pixels):
    "As base64, to stand within the page."
    Image.fromarray(pixels).save(buffer := BytesIO(), 'JPEG', quality=88)
    return base64.b64encode(buffer.getvalue()).decode()


def known(row):
    "What the data say of an image besides its label, in words."
    forms = dict(view='{}', age='{:.0f} years', sex='{}', detail='{}')
    return [form.format(row[k]) for k, form in forms.items() if not pd.isna(row[k])]


def case(row, image, heat, boxes, threshold):
    "What the page says of one image, and its two pictures with the words that tell them apart."
    true, called = NAMES[row.label], NAMES[int(row.probability >= threshold)]
    return dict(file=PurePath(row.path).name, true=true, called=called, probability=row.probability, loss=-math.log(max(row.right, LEAST)),
                right='right' if true == called else 'missed' if row.label else 'false alarm', flat=not np.any(heat), boxes=boxes,
                known=known(row), width=image.shape[1],
                height=image.shape[0], films=[(jpeg(image), ''), (jpeg(overlaid(image, heat)), ', with heatmap')])


def write_errors(
    path,       # of the file, ending in .html
    rows,       # yields (a row of `tables.worst`, image (h, w) uint8, heat (h, w) in 0..1, boxes (x, y, width, height)), the worst first
    threshold,  # at or above which an image is called pneumonia
    title,      # the run's
    total,      # images in test
    synthetic=False,
    scale=None,    # `heat.Scale`, what the heat's colours mean
    taught=(),  # sentences on how training taught the maps
):
    "Write the page piece by piece: however many rows there are, one is in memory. The whole file or none; returns how many it shows."
    shown = []
    def cases():
        for row in rows:
            yield case(*row, threshold)
            shown.append(row[0].path)
    with whole(path) as beside, beside.open('w', encoding='utf-8') as file:
        file.writelines(document(
            Page(synthetic), f'Greatest losses: {title}', 'top_losses', cases=cases(), shown=shown, total=total, threshold=threshold,
            chosen=CHOSEN, scale=scale, colors=COLORS, taught=taught))
    return len(shown)
