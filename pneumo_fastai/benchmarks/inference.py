"How fast files become probabilities, beside the network alone and the plain ways; for the bench."
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from ..inference.bundle import Bundle
from ..inference.network import in_threads, parts
from ..memory import as_it_comes, keep_freed
from ..models.zoo import build, described


def recipe(experiment) -> dict:
    "Of a network that was never trained: enough to time one."
    return dict(**described(experiment), aspect=experiment.aspect, grey_levels=experiment.grey, mean=.5, std=.25, threshold=.5,
                threshold_from='none', experiment='none', data='none', synthetic=True, calibrator=dict(method='none'))


def plainly(model, images, batch_size):
    "Batch after batch through the model as it was trained, freed memory going back to the system as it does by itself."
    as_it_comes()
    with torch.inference_mode():
        for start in range(0, len(images), batch_size): model(images[start:start + batch_size])
    keep_freed()


def rows(experiment, paths, folder, rate, shortest):
    """(what, rate, plain way, its rate) of prediction in each precision, of one file and of a cold start; `rate(work, n)` times one thing,
    `shortest` several by turns: what else the machine does would tell against one of them."""
    n, state = len(paths), build(**described(experiment)).state_dict()
    bundle = Bundle(state, recipe(experiment))
    pixels = np.stack([bundle.pixels(p) for p in paths])
    inputs = bundle.normalised(pixels)
    plain = shortest(dict(plain=lambda: plainly(bundle.model, inputs, 32)), seconds=3)['plain']  # apart: it gives back the others' memory
    for precision in ('float32', 'bfloat16'):
        b = Bundle(state, recipe(experiment), precision)
        took = shortest(dict(ours=lambda b=b: b.table(paths).to_csv(Path(folder)/'rates.csv'),
                             alone=lambda b=b: list(in_threads(b.of_pixels, parts(pixels, 16)))), seconds=12)
        here = f'files to a table, {precision}, files/s', n / took['ours']
        yield *here, 'the same network alone', n / took['alone']
        yield *here, 'the network alone, plain PyTorch, float32', n / plain
        yield f'one file at a time, {precision}, files/s', rate(lambda b=b: b.table(paths[:1]), 1), 'one in 40 ms', 25.
    yield from start_rows(bundle, paths[0], Path(folder), rate)


def start_rows(bundle, path, folder, rate):
    "Processes a minute, from cold to the end."
    bundle.save(folder/'model')
    table = folder/'cold.csv'
    def process(*args):
        table.unlink(missing_ok=True)
        subprocess.run([sys.executable, *map(str, args)], check=True, capture_output=True)
    predict = '-m', 'pneumo_fastai.predict'
    fastai = rate(lambda: process('-c', 'import fastai.vision.all'), 60)
    yield 'predict --help, a minute', rate(lambda: process(*predict, '--help'), 60), 'one in 1 s', 60.
    cold = rate(lambda: process(*predict, folder, path, '--out', table), 60)
    yield 'predict of one file from cold, a minute', cold, 'one in 5 s', 12.
    yield 'predict of one file from cold, a minute', cold, 'importing fastai', fastai
