"top_losses.html: the images a model got most wrong, one under the other, each beside its heatmap; written row by row."
import base64
import math
from io import BytesIO
from pathlib import PurePath

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.colors import to_hex
from PIL import Image

from ..writing import whole
from .figures.heat import CHOSEN, ON_GREY, rgba
from .html import Page, around, join, p, tag
from .templating import sentences

TITLE = 'Greatest losses'
NAMES = 'no pneumonia', 'pneumonia'
LEAST = 1e-12  # of a probability, so that no loss is infinite
WORDS = ('Test images, those first that have the greatest loss: the negative logarithm of the probability of their true class. On the left '
         'the image as the network sees it, on the right with its heatmap: grey where nothing speaks for pneumonia, the brighter the more '
         f'a place does. {CHOSEN} Blue boxes, where the data have them, are what readers '
         'marked. A great loss may be a wrong label: look for that, for tubes and wires, text, odd positions.')


def overlaid(image, heat) -> np.ndarray:
    "A (h, w) uint8 image under its heat (h, w) in 0..1, as (h, w, 3) uint8."
    colors = rgba(heat)
    alpha = colors[..., 3:]
    return (image[..., None] * (1 - alpha) + 255 * alpha * colors[..., :3]).round().astype(np.uint8)


def bar(scale):
    "What the colours mean: a strip of them, the numbers at its ends and middle, and what is counted."
    colors = ', '.join(to_hex(ON_GREY(share)) for share in np.linspace(0, 1, 11))
    strip = tag('div', *(tag('span', o) for o in scale.at(0, .5, 1)), style=f'background: linear-gradient(to right, {colors})')
    return tag('div', strip, scale.label, class_='scale')


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
    scale=None,    # `heat.Scale`, what the heat's colours mean
    taught=False,  # whether training taught the maps
):
    "Write the page piece by piece: however many rows there are, one is in memory. The whole file or none; returns how many it shows."
    page, n = Page(synthetic), 0
    with whole(path) as beside, beside.open('w', encoding='utf-8') as file:
        opening, closing = around(f'{TITLE}: {title}{" (synthetic data)" if synthetic else ""}')
        file.write(opening)
        lead = p(WORDS, f' A call is pneumonia at {threshold:.3f} or more.', class_='lead')
        notice = p('For research and education, not for diagnosis.', class_='notice')
        file.write(join([tag('h1', f'{TITLE}: {title} ', page.mark()), notice, lead, p(*sentences('words/taught')) if taught else '',
                         bar(scale) if scale else '']))
        for n, (row, image, heat, boxes) in enumerate(rows, 1): file.write(case(n, row, image, heat, boxes, threshold, page.mark()))
        file.write(p(f'{n:,} of {total:,} test images.') + closing)
    return n
