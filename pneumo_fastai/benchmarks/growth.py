"How the time of an epoch grows with the number of images, their size, threads and workers."
import json
import os
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch

from ..data.cache import Pixels
from ..data.prepare import Prepared, deciding
from ..runs.environment import machine
from ..training.learner import get_learner
from ..training.loaders import get_dls
from ..writing import write
from .rates import clocked

DISTINCT = 256  # images; larger sets repeat them


def repeated(experiment, n, folder) -> Prepared:
    "A cohort of `n` noise images, `DISTINCT` of them in a file and repeated."
    file, size = Path(folder)/f'{experiment.size}.npy', experiment.size
    np.save(file, np.random.default_rng(0).integers(0, 256, (DISTINCT, size, size), np.uint8))
    i, paths = np.arange(n), [f'{k:08}' for k in range(n)]
    split = [('valid', 'test', *['train'] * 8)[k % 10] for k in range(n)]
    table = pd.DataFrame(dict(path=paths, label=i % 2, patient=paths, view=None, split=split, boxes=[[]] * n))
    pixels = Pixels(np.load(file, mmap_mode='r'), pd.DataFrame(dict(row=i % DISTINCT), index=paths), folder)
    return Prepared('noise', 'manifest', table, None, pixels=pixels, made_for=deciding(experiment))


def epoch(experiment, n, folder, steps=3, threads=None, workers=0) -> dict:
    "One row: seconds to the first batch, of a step, of what of it is not the network, and so of an epoch over `n` images: extrapolated."
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        cohort, start = repeated(experiment, n, folder), time.perf_counter()
        dls = get_dls(experiment, cohort)
        dls.train.fake_l.num_workers = workers
        next(iter(dls.train))
        first = time.perf_counter() - start
        step, around, _ = clocked(get_learner(experiment, dls, folder), steps)
    finally: torch.set_num_threads(before)
    return dict(images=n, size=experiment.size, threads=threads or before, workers=workers, first_batch=first, step=step, around=around,
                epoch_extrapolated=first + step * n / experiment.batch_size, images_per_second=experiment.batch_size / step)


def grown(experiment, folder, tick) -> dict:
    "A row for each number of images, size, and number of threads and workers, one varied at a time; and the machine."
    todo = [('images', dict(n=n)) for n in (1000, 10_000, 100_000)]
    todo += [('size', dict(size=s)) for s in (64, 128, 224, 320)]
    todo += [('threads', dict(threads=t)) for t in range(1, os.cpu_count() + 1)]
    todo += [('workers', dict(workers=w)) for w in (0, 1, 2)]
    rows = []
    for k, (varied, how) in enumerate(todo, 1):
        e = replace(experiment, size=how.pop('size', experiment.size))
        rows.append(dict(varied=varied, **epoch(e, how.pop('n', 1000), folder, **how)))
        tick(k, len(todo))
    return dict(steps_timed=3, batch_size=experiment.batch_size, machine=machine(torch.device('cpu')), rows=rows)


def draw(found, file):
    "A panel for each thing varied: an epoch over the images, else images a second."
    from matplotlib.figure import Figure

    from ..report.figures.style import save
    rows = pd.DataFrame(found['rows'])
    fig = Figure((12, 3), layout='constrained')
    for ax, (varied, some) in zip(fig.subplots(1, 4), rows.groupby('varied', sort=False), strict=True):
        y = 'epoch_extrapolated' if varied == 'images' else 'images_per_second'
        ax.plot(some[varied], some[y], 'o-', color='C0')
        ax.set(xlabel=varied, ylabel='seconds an epoch, extrapolated' if varied == 'images' else 'images a second')
        if varied == 'images': ax.set(xscale='log', yscale='log')
        else: ax.set(ylim=(0, 1.1 * some[y].max()), xticks=some[varied])
    save(fig, file)


def save(experiment, out, tick):
    "growth.json and growth.png, into the folder `out`."
    with TemporaryDirectory() as folder: found = grown(experiment, folder, tick)
    write(out/'growth.json', json.dumps(found, indent=1))
    draw(found, out/'growth.png')
