"How fast each stretch of the road is, beside the plain way, measured in one run."
import json
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.data.core import DataLoaders, TfmdDL
from fastai.learner import Learner

from ..data.cache import open_pixels
from ..data.decoding.dicom import read_square
from ..experiment import reading
from ..memory import as_it_comes, keep_freed
from ..models.losses import CrossEntropy
from ..models.zoo import build, described
from ..runs.environment import machine
from ..training.learner import get_learner
from ..training.loaders import get_dls
from ..training.precision import native_bfloat16, shortest, wait
from ..writing import write
from . import inference
from .work import gflop


def rate(work, n, seconds=2., repeats=3) -> float:
    "Items a second: the median of `repeats` spells of at least `seconds` each, `work` doing `n` of them; after one call to warm up."
    work()
    rates = []
    for _ in range(repeats):
        start, calls = time.perf_counter(), 0
        while time.perf_counter() - start < seconds / repeats:
            work()
            calls += 1
        wait()
        rates.append(calls * n / (time.perf_counter() - start))
    return median(rates)


def plain_decode(path, size):
    "pydicom's pixel_array and Pillow's area filter: what most scripts do."
    import pydicom
    from PIL import Image
    return np.asarray(Image.fromarray(pydicom.dcmread(path).pixel_array).resize((size, size), Image.Resampling.BOX))


def decode_rows(paths, size):
    "(what, rate, plain way, its rate), files a second on one thread."
    plain = rate(lambda: [plain_decode(p, size) for p in paths], len(paths))
    ours = rate(lambda: [read_square(p, size) for p in paths], len(paths))
    yield 'decode, files/s on one thread', ours, 'pydicom and a Pillow resize', plain


def cache_rows(pixels, batch_size):
    rng, n = np.random.default_rng(0), len(pixels.array)
    ours = rate(lambda: pixels.array[rng.integers(0, n, batch_size)], batch_size)
    held = np.array(pixels.array)
    yield 'cache read, images/s', ours, 'the same from an array in memory', rate(lambda: held[rng.integers(0, n, batch_size)], batch_size)


def loader_rows(dls, batch_size):
    "Batches as training gets them, augmented, against a bare PyTorch DataLoader of float tensors in memory."
    from torch.utils.data import DataLoader, TensorDataset
    def all_of(dl): return lambda: [None for _ in dl]
    pixels, table = dls.cohort.pixels, dls.cohort.table
    paths = table.path[table.split == 'train']
    x = torch.from_numpy(np.stack([pixels[p] for p in paths])[:, None]).float() / 255
    bare = DataLoader(TensorDataset(x, torch.zeros(len(x), dtype=torch.long)), batch_size, shuffle=True, drop_last=True)
    ours = rate(all_of(dls.train), len(dls.train) * batch_size)
    theirs = rate(all_of(bare), len(bare) * batch_size)
    yield 'loader with augmentation, images/s', ours, 'PyTorch DataLoader from memory, no augmentation', theirs


def bare_step(experiment, x, y, low):
    "One step of a bare PyTorch loop; with `low`, in bfloat16 and channels-last; compiled where the experiment is."
    model = build(**described(experiment)).to(x.device)
    if low: model, x = model.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    if experiment.compiled: model.compile(mode='reduce-overhead')
    opt, loss = torch.optim.Adam(model.parameters(), 1e-4), CrossEntropy()
    def step():
        if experiment.compiled: torch.compiler.cudagraph_mark_step_begin()
        with torch.autocast(x.device.type, torch.bfloat16, enabled=low): out = model(x)
        loss(out, y).backward()
        opt.step()
        opt.zero_grad()
    return step


class Clock(Callback):
    """Seconds of a training step from the loader on, of what of it is not network and optimiser, and of `beside`, a step of something else
    that is taken as often in between: what else the machine does then slows both. A reading is one step, on a GPU up to 50 of an epoch,
    for it is waited for at a reading's end alone. Validation is in none."""
    order = 100  # after all that take time
    def __init__(self, readings, beside=None, skip=1, most=None):
        self.readings, self.beside, self.skip, self.most, self.times = readings, beside, skip, most, []

    def before_fit(self): self.most = self.most or (50 if self.dls.device.type == 'cuda' else 1)
    def before_train(self): self._begin()
    def before_batch(self): self.fed = time.perf_counter()
    def after_step(self): self.stepped = time.perf_counter()

    def _begin(self):
        self.start = self.left = time.perf_counter()
        self.around = self.steps = 0

    def after_batch(self):
        if not self.training: return
        now = time.perf_counter()
        self.around += self.fed - self.left + now - self.stepped
        self.left, self.steps = now, self.steps + 1
        if self.steps < self.most and self.iter + 1 < self.n_iter: return
        wait()
        end = time.perf_counter()
        for _ in range(self.steps if self.beside else 0): self.beside()
        wait()
        self.times.append(np.array([end - self.start, self.around, time.perf_counter() - end]) / self.steps)
        if len(self.times) == self.skip + self.readings: raise CancelFitException
        self._begin()

    def shortest(self): return np.min(self.times[self.skip:], axis=0)  # as in `precision`: what else the machine does only makes it longer


def clocked(learn, readings=5, beside=None, cbs=()):
    "The shortest of each of a `Clock`'s times, over a `fit` that ends after its readings."
    clock = Clock(readings, beside)
    with learn.no_bar(), learn.no_logging(): learn.fit(readings + 2, cbs=[clock, *cbs])
    return clock.shortest()


def plain_learner(experiment, dls, path):
    "fastai as it comes: its own loader and resampling, image by image, its optimiser, float32."
    own = DataLoaders(*(dl.new(cls=TfmdDL) for dl in dls.loaders), path=path, device=dls.device)
    return Learner(own, build(**described(experiment)), CrossEntropy(), path=path)


def training_rows(experiment, dls, path, turns=3):
    "`fit` as it is, by turns with plain fastai in float32, each beside a bare PyTorch loop; and the machine's matrix product."
    x, y = (t.as_subclass(torch.Tensor) for t in dls.train.one_batch())
    low, n = native_bfloat16(x.device), len(x)
    bare, full = (bare_step(experiment, x, y, o) for o in (low, False))
    usual, kept, alone = [], [], []
    for _ in range(turns):
        as_it_comes()
        usual.append(clocked(plain_learner(experiment, dls, path), 2, bare))
        alone.append(rate(full, n, seconds=1., repeats=1))
        keep_freed()  # as `fit` does
        kept.append(clocked(get_learner(experiment, dls, path), 2, bare))
    (plain, _, plain_bare), (step, around, ours_bare) = np.min(usual, 0), np.min(kept, 0)
    here, kind = n / step, ('bfloat16' if low else 'float32') + ', compiled' * experiment.compiled
    yield 'training, images/s', here, 'plain fastai, float32', n / plain
    yield 'training, images/s', here, f'bare PyTorch loop, {kind}, one batch in memory', n / plain_bare
    yield 'training, images/s', here, 'that loop, keeping freed memory as fit does', n / ours_bare
    if low: yield 'training, images/s', here, f'bare PyTorch loop, {kind.replace("bfloat16", "float32")}', max(alone)
    yield 'loader, augmentation and callbacks, ms a step', 1e3 * around, 'the whole step', 1e3 * step
    dtype = torch.bfloat16 if low else torch.float32
    a = torch.randn(2048, 2048, device=x.device).to(dtype)
    limit = rate(lambda: a @ a, 2 * 2048**3 / 1e9) / gflop(experiment)
    yield 'training, images/s', here, f"what the machine's {str(dtype)[6:]} matrix product allows", limit


def first_epoch_row(experiment, cohort, folder, training):
    "`training` images a second, and the same with the decoding before it of up to 512 files that were just read but are in no cache."
    paths = list(cohort.table.path[:512])
    for path in paths: Path(path).read_bytes()
    start = time.perf_counter()
    open_pixels(paths, *reading(experiment), folder=Path(folder)/'fresh')
    decoding = (time.perf_counter() - start) / len(paths)
    return 'training, nothing decoded yet, images/s', 1 / (1 / training + decoding), 'training from the cache', training


def measured(experiment, cohort, folder, tick) -> dict:
    "Every row beside its plain way, and what they were measured on; `folder` is for fastai to write in."
    dls, paths, rows = get_dls(experiment, cohort), list(cohort.table.path[:128]), []
    stages = [decode_rows(paths[:32], experiment.size), cache_rows(cohort.pixels, experiment.batch_size),
              loader_rows(dls, experiment.batch_size), training_rows(experiment, dls, folder),
              inference.rows(experiment, paths, folder, rate, shortest)]
    for n, stage in enumerate(stages, 1):
        rows += stage
        tick(n, len(stages) + 1)
    training = next(ours for what, ours, *_ in rows if what == 'training, images/s')
    rows = [*rows, first_epoch_row(experiment, cohort, folder, training)]
    tick(n + 1, n + 1)
    found = [dict(what=what, rate=ours, plain=plain, plain_rate=theirs, ratio=ours / theirs) for what, ours, plain, theirs in rows]
    return dict(data=cohort.name, synthetic=cohort.synthetic, size=experiment.size, batch_size=experiment.batch_size,
                machine=machine(dls.device), rows=found)


def save(experiment, cohort, out, tick) -> dict:
    "`measured`, also into the JSON file `out`."
    with TemporaryDirectory() as folder: found = measured(experiment, cohort, folder, tick)
    write(out, json.dumps(found, indent=1))
    return found
