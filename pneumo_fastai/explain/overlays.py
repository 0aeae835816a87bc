"A picture for each image that was predicted: the radiograph as the network sees it, its heat, and what the model says."
import copy
import threading
from collections import Counter
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from ..errors import readable
from ..report.figures.heat import Scale
from ..report.gallery import overlaid
from ..screen import NOTICE
from ..writing import whole
from .gradcam import GradCAM, resized

SIDE = 512         # pixels of the radiograph in the picture, or its own where it has more
LINE, EDGE = 19, 8  # pixels a line of text, and around it
LONGEST = 180      # bytes of a file's name that its picture's has
ALONE = 'from nothing to the hottest place of this image: a scale of its own, not to be compared with other images\''


class Overlays:
    "`Overlays(folder, paths)(bundle, frame, pixels)` draws those rows of a `Bundle.table` that were read and have no picture yet."
    def __init__(self, folder, paths):
        self.folder, self.lock, self.cam = Path(folder), threading.Lock(), None
        self.folder.mkdir(parents=True, exist_ok=True)
        self.times = Counter(Path(p).name.lower() for p in paths)
        self.font = ImageFont.load_default(14)

    def place(self, path) -> Path:
        "NAME.png, with a part of the path's hash where several files have that name, or a very long one."
        name = Path(path).name
        short = name.encode(errors='surrogateescape')[:LONGEST].decode(errors='ignore')
        unique = self.times[name.lower()] < 2 and short == name
        tail = sha256(str(path).encode(errors='surrogateescape')).hexdigest()[:12]
        return self.folder/(f'{name}.png' if unique else f'{short}.{tail}.png')

    def __call__(self, bundle, frame, pixels):
        rows = frame[frame.probability.notna()]
        at = [i for i, path in enumerate(rows.path) if not self.place(path).exists()]
        if not at: return
        how = dict(bundle.recipe.get('heat') or {})
        cam, tops = self.own_cam(bundle.model, how), how.get('tops')
        for i, heat in zip(at, self.heat(cam, bundle.normalised(pixels[at]), tops), strict=True):
            picture = self.drawn(rows.iloc[i], pixels[i], heat, scale_of(cam, tops), bundle.recipe.get('synthetic'))
            with whole(self.place(rows.path.iloc[i])) as beside: picture.save(beside, format='PNG')

    def own_cam(self, model, how) -> GradCAM:
        "This thread's own: it keeps what the layers give. Made once, for to find the layers it hooks into the network that they share."
        with self.lock:
            self.cam = self.cam or GradCAM(model, how.get('layers'), how.get('method', 'gradcam'), how.get('mirror', False))
        return copy.copy(self.cam)

    def heat(self, cam, x, tops) -> np.ndarray:
        "(n, side, side) in 0..1, on the scale that `tops` give, or each image on its own; in float32."
        with nullcontext() if cam.last else self.lock, cam:  # hooks on the one network would see the other threads' images
            values = cam.by_method(x, [cam.method])[cam.method].values
        tops, side = tops or [v.amax((1, 2), keepdim=True).clamp_min(1e-9) for v in values], max(SIDE, x.shape[-1])
        return torch.stack([resized(v / top, (side, side)) for v, top in zip(values, tops, strict=True)]).mean(0).clamp(0, 1).cpu().numpy()

    def drawn(self, row, image, heat, scale, synthetic) -> Image.Image:
        "The picture, its words below."
        side = len(heat)
        image = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))
        words = [*cut(readable(Path(row.path).name), self.font, side),
                 f'probability of pneumonia {row.calibrated:.3f} (calibrated; as it comes {row.probability:.3f}): {row.prediction}']
        last = [*wrapped(scale.label if scale else ALONE, self.font, side),
                *wrapped(NOTICE + ' The model was trained on synthetic data.'*bool(synthetic), self.font, side)]
        picture = Image.new('RGB', (side, side + LINE*(len(words) + len(last) + 2) + 2*EDGE))
        picture.paste(Image.fromarray(overlaid(image, heat)))
        pen, y = ImageDraw.Draw(picture), side + EDGE
        for text in words: y = self.line(pen, y, text, 'white')
        y = self.bar(picture, pen, y, scale)
        for text in last: y = self.line(pen, y, text, 'silver')
        return picture

    def line(self, pen, y, text, colour):
        pen.text((EDGE, y), text, colour, self.font)
        return y + LINE

    def bar(self, picture, pen, y, scale):
        "What the colours mean, over mid-grey, from 0 to the scale's end."
        width = picture.width - 2*EDGE
        shown = overlaid(np.full((LINE - 7, width), 102, np.uint8), np.tile(np.linspace(0, 1, width), (LINE - 7, 1)))
        picture.paste(Image.fromarray(shown), (EDGE, y + 4))
        ends = scale.at(0, 1) if scale else ('0', 'hottest')
        pen.text((EDGE, y + LINE), ends[0], 'silver', self.font)
        pen.text((picture.width - EDGE, y + LINE), ends[1], 'silver', self.font, anchor='ra')
        return y + 2*LINE


def scale_of(cam, tops) -> Scale|None:
    "None where none was chosen on valid."
    return Scale(tops[0] if len(tops) == 1 else 1., cam.method, cam.last, len(tops)) if tops else None


def wrapped(text, font, width) -> list[str]:
    "Lines no longer than the picture is wide."
    lines = ['']
    for word in text.split():
        longer = f'{lines[-1]} {word}'.strip()
        if font.getlength(longer) <= width - 2*EDGE: lines[-1] = longer
        else: lines.append(word)
    return lines


def cut(text, font, width) -> list[str]:
    "One line, its middle left out where it is too long."
    while font.getlength(text) > width - 2*EDGE: text = f'{text[:len(text)//2 - 2]}…{text[len(text)//2 + 2:]}'
    return [text]
