"What the model says of one radiograph, and what its header says of it, without the image itself."
from dataclasses import dataclass, replace

import numpy as np

from ..data.decoding.dicom import Film, read_square
from ..evaluation.calibrators import apply
from ..inference.decision import Prediction, doubts, reading

NO_PIXELS = np.empty((0, 0), np.uint8)
OLD = 90  # years: from here on an age may tell who it is (HIPAA's safe harbour, 45 CFR 164.514)
SCALES = {'percentiles': 'It says no window, so its percentiles 0.5 and 99.5 were taken for black and white.',
          'luminance': 'It is in colour, and was read as grey.'}


@dataclass(frozen=True)
class Answer:
    name:str                # to show
    image:np.ndarray        # as the network sees it, (size, size) uint8
    film:Film               # without its pixels
    prediction:Prediction
    networks:tuple = ()     # the calibrated probability by each network of an ensemble
    truth:str = ''          # of an example: the class that was drawn


def answer(model, name, raw, truth='') -> Answer:
    "Of a file's bytes; raises `UnreadableImage` with the reason."
    b = model.bundle
    image, film = read_square(raw, *reading(b.recipe), doubtful=True)
    prediction, = model.judged([name], np.stack([image]), [doubts(b.recipe, film)])  # as `predict`, which would decode the file again
    return Answer(name, image, replace(film, pixels=NO_PIXELS), prediction, each(b, image) if b.n > 1 else (), truth)


def each(bundle, image) -> tuple:
    return tuple(map(float, apply(bundle.recipe['calibrator'], bundle.of_pixels(np.stack([image]))[:, 0])))


def warnings(answer) -> list[str]:
    "What takes trust from this one answer, a sentence each."
    film, out = answer.film, [f'{w[0].upper()}{w[1:]}.' for w in answer.prediction.warnings]
    if film.frames > 1: out.append(f'It holds {film.frames} frames, and the first alone was read.')
    return [*out, SCALES[film.scale]] if film.scale in SCALES else out


def facts(film) -> list[tuple[str, str]]:
    "(what, value) of the header, nothing in it that names a patient."
    known = [('Size', f'{film.width:,} x {film.height:,} pixels'), ('View', film.view), ('Sex', film.sex), ('Age', years(film.age)),
             ('Pixel spacing', f'{film.spacing:.3g} mm' if np.isfinite(film.spacing) else None), ('Black and white from', film.scale),
             ('Frames', str(film.frames) if film.frames > 1 else None)]
    return [(k, v or 'not stated') for k, v in known if v or k in ('View', 'Sex', 'Age')]


def years(age):
    if not np.isfinite(age): return None
    return f'{OLD} years or more' if age >= OLD else f'{age:.0f} years' if age >= 2 else f'{12*age:.0f} months'
