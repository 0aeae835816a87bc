"top_losses.html: the images a model got most wrong, one under the other, each beside its heatmap; written row by row."
import base64
import math
from io import BytesIO
from pathlib import PurePath

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib import colormaps
from PIL import Image

from ..runs.files import whole
from .heatmaps import TAUGHT
from .html import Page, around, join, p, tag

TITLE = 'Greatest losses'
NAMES = 'no pneumonia', 'pneumonia'
LEAST = 1e-12  # of a probability, so that no loss is infinite
LEVELS = np.linspace(0, 1, 256)[:, None]
ALPHA = .6 * LEVELS                                            # where the map is low, the radiograph itself is seen
COLORS = 255 * ALPHA * colormaps['inferno'](.25 + .75 * LEVELS[:, 0])[:, :3]
WORDS = ('Test images, those first that have the greatest loss: the negative logarithm of the probability of their true class. On the left '
         'the image as the network sees it, on the right with its heatmap: the brighter, the more a place speaks for pneumonia. Each is '
         'scaled to its own maximum, so the heat of two images cannot be compared. Blue boxes, where the data have them, are what readers '
         'marked. A great loss may be a wrong label: look for that, for tubes and wires, text, odd positions.')


def overlaid(image, heat) -> np.ndarray:
    "A (h, w) uint8 image under its heat (h, w) in 0..1, as (h, w, 3) uint8."
    level = (np.asarray(heat) * 255).round().astype(np.uint8)
    return (image[..., None] * (1 - ALPHA[level]) + COLORS[level]).round().astype(np.uint8)


def picture(pixels, boxes, words):
    "A JPEG within the page, and its boxes as lines that stay sharp at every size."
    height, width = pixels.shape[:2]
    Image.fromarray(pixels).save(buffer := BytesIO(), 'JPEG', quality=88)
    image = tag('img', src='data:image/jpeg;base64,' + base64.b64encode(buffer.getvalue()).decode(), alt=words, width=width, height=height)
    rects = ''.join(f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}"/>' for x, y, w, h in boxes)
    lines = Markup(f'<svg viewBox="0 0 {width} {height}">{rects}</svg>') if rects else ''
    return tag('div', Markup(image.replace('</img>', '')), lines, class_='film')


def case(rank, row, image, heat, boxes, threshold, mark):
    "One image: what is known of it, and its two pictures."
    true, called = NAMES[row.label], NAMES[int(row.probability >= threshold)]
    loss = -math.log(max(row.right, LEAST))
    def known(name, form='{}'): return '' if pd.isna(row[name]) else form.format(row[name])
    facts = [known('view'), known('age', '{:.0f} years'), known('sex'), known('detail')]
    right = 'right' if true == called else 'missed' if row.label else 'false alarm'
    flat = '' if np.any(heat) else ' Its map is flat: nothing speaks for pneumonia.'
    head = p(tag('b', f'{rank}. '), tag('code', PurePath(row.path).name), ' ', mark)
    said = p(f'True class: {true}. Called: {called} ', tag('b', f'({right})'), f'. Probability of pneumonia {row.probability:.3f}, loss '
             f'{loss:.2f}. ', ', '.join(f for f in facts if f), flat)
    words = f'{true}, called {called}'
    shown = overlaid(image, heat)
    return tag('article', head, said, tag('div', picture(image, boxes, words), picture(shown, boxes, f'{words}, with heatmap'),
                                          class_='films'), class_='case')


def write_errors(
    path,       # of the file, ending in .html
    rows,       # yields (a row of `tables.worst`, image (h, w) uint8, heat (h, w) in 0..1, boxes (x, y, width, height)), the worst first
    threshold,  # at or above which an image is called pneumonia
    title,      # the run's
    total,      # images in test
    synthetic=False,
    taught=False,  # whether training taught the maps
):
    "Write the page piece by piece: however many rows there are, one is in memory. The whole file or none; returns how many it shows."
    page, n = Page(synthetic), 0
    with whole(path) as beside, beside.open('w', encoding='utf-8') as file:
        opening, closing = around(f'{TITLE}: {title}{" (synthetic data)" if synthetic else ""}')
        file.write(opening)
        lead = p(WORDS, f' A call is pneumonia at {threshold:.3f} or more.', class_='lead')
        notice = p('For research and education, not for diagnosis.', class_='notice')
        file.write(join([tag('h1', f'{TITLE}: {title} ', page.mark()), notice, lead, p(TAUGHT) if taught else '']))
        for n, (row, image, heat, boxes) in enumerate(rows, 1): file.write(case(n, row, image, heat, boxes, threshold, page.mark()))
        file.write(p(f'{n:,} of {total:,} test images.') + closing)
    return n
