"A trained network and what it needs to read a file, in one file that holds no code: torch only."
import errno
import os
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ..data.cohort import CLASSES
from ..data.dicom import UnreadableImage, read_square
from ..errors import InputError
from ..evaluation.calibration import apply
from ..evaluation.folder import chosen_since, whole
from ..evaluation.uncertainty import mutual_information
from ..models.ensemble import Ensemble
from ..models.zoo import build
from .network import in_threads, parts, ready


def joined(bundles) -> Ensemble:
    "Their networks as one, for input that is normalised as for the first."
    return Ensemble([b.model for b in bundles], [(b.recipe['mean'], b.recipe['std']) for b in bundles]).eval()


def fresh(recipe):
    "The network of a recipe, or its networks, with weights drawn anew."
    n = recipe.get('members', 1)
    return build(recipe['arch']) if n == 1 else Ensemble([build(recipe['arch']) for _ in range(n)], [(0., 1.)] * n)


@contextmanager
def by_torch(path):
    "`whole` for a file that torch writes, which says of a full disk no more than that its writer failed: `OSError` here."
    try:
        with whole(path, 'whole') as beside: yield beside  # torch keeps the name in the file: the same bytes each time
    except RuntimeError as e:
        if 'PytorchStreamWriter' not in str(e) and 'inline_container' not in str(e): raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from e


class Bundle:
    "`probability(paths)`: what the run's predictions.csv would say of these files, and in bfloat16 nearly that, sooner."
    def __init__(self, state, recipe, precision='float32', device='cpu'):
        self.recipe = recipe  # arch, size, aspect, any_view, mean, std, members, threshold, calibrator, experiment, data, synthetic
        self.n, self.precision, self.device = recipe.get('members', 1), precision, torch.device(device)
        self.model = fresh(recipe)
        self.model.load_state_dict(state)
        self.model.eval().requires_grad_(False).to(self.device)  # nothing trains it: a map needs the gradient of its layer alone

    @cached_property
    def network(self):
        "The model as it predicts; `model` is the one to look into."
        return ready(self.model, self.precision)

    def untrained(self, seed):
        "The same network with fresh weights, drawn with `seed`, on the same device."
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return fresh(self.recipe).eval().requires_grad_(False).to(self.device)

    def save(self, path):
        "One file, whole or not at all."
        with by_torch(path) as beside: torch.save({'state': self.model.state_dict(), 'recipe': self.recipe}, beside)

    @classmethod
    def load(cls, run, precision='float32', device='cpu') -> 'Bundle':
        "From a run's folder, or its model.pt; raises `InputError` where there is none."
        path = Path(run)/'model.pt' if Path(run).is_dir() else Path(run)
        if not path.is_file(): raise InputError(f'{run} holds no model.pt; give the folder that fit wrote, such as runs/weighted-...')
        try:
            saved = torch.load(path, map_location='cpu', weights_only=True)
            state, recipe = saved['state'], saved['recipe']
        except Exception as e: raise InputError(f'{path} is not a model that fit wrote ({type(e).__name__}); give a run\'s folder') from e
        if Path(run).is_dir(): recipe |= chosen_since(path.parent)
        return cls(state, recipe, precision, device)

    def pixels(self, path) -> np.ndarray:
        "A file as the network's cache has it, (size, size) uint8; raises `UnreadableImage`."
        return read_square(path, self.recipe['size'], self.recipe['aspect'], self.recipe.get('any_view', False))[0]

    def normalised(self, pixels) -> torch.Tensor:
        "(n, size, size) uint8 as the network sees them in validation, (n, 1, size, size) on its device."
        x = torch.from_numpy(pixels)[:, None]
        if self.device.type == 'cuda': x = x.pin_memory()
        return x.to(self.device, non_blocking=True).float().div_(255).sub_(self.recipe['mean']).div_(self.recipe['std'])

    def tensor(self, path) -> torch.Tensor:
        "A file as the network sees it in validation, (1, size, size); raises `UnreadableImage`."
        return self.normalised(self.pixels(path)[None].copy())[0]

    def probability(self, paths, batch_size=16, tick=None) -> tuple[np.ndarray, dict]:
        "(n,) probability of pneumonia, NaN for a file that cannot be read, and the reason for each of those by path."
        each, reasons = self.probabilities(paths, batch_size, tick)
        return each.mean(0), reasons

    def probabilities(self, paths, batch_size=16, tick=None) -> tuple[np.ndarray, dict]:
        "The same by each network, (members, n): one row unless the model is an ensemble. `tick(done)` is told how far it is."
        _ = self.network  # made here, not by each thread
        found, reasons, done = [], {}, 0
        for probability, bad in in_threads(self._part, parts(list(paths), batch_size)):
            found.append(probability)
            reasons |= bad
            done += probability.shape[1]
            if tick: tick(done)
        return np.concatenate(found, 1), reasons

    def _part(self, paths) -> tuple[np.ndarray, dict]:
        "`probabilities` of one batch."
        out, reasons, at, images = np.full((self.n, len(paths)), np.nan), {}, [], []
        for i, path in enumerate(paths):
            try: images.append(self.pixels(path))
            except UnreadableImage as e: reasons[str(path)] = e.reason
            else: at.append(i)
        if images: out[:, at] = self.of_pixels(np.stack(images))
        return out, reasons

    @torch.inference_mode()
    def of_pixels(self, pixels) -> np.ndarray:
        "(members, n) probabilities of (n, size, size) uint8."
        x = self.normalised(pixels)
        each = self.network(x).softmax(-1)[None] if self.n == 1 else self.network.probabilities(x)
        return each[..., 1].cpu().numpy()

    def calibrated(self, probability) -> np.ndarray: return apply(self.recipe['calibrator'], probability)

    def table(self, paths, tick=None) -> pd.DataFrame:
        """A row a file: path; probability, as in predictions.csv; calibrated, the same after the run's calibrator; prediction at the
        run's threshold; and the reason where the file cannot be read (None otherwise). Of an ensemble also disagreement: the mutual
        information of its networks, in nats."""
        each, reasons = self.probabilities(paths, tick=tick)
        probability, read = each.mean(0), ~np.isnan(each[0])
        names = np.where(probability >= self.recipe['threshold'], CLASSES[1], CLASSES[0])
        frame = pd.DataFrame({'path': list(map(str, paths)), 'probability': probability, 'calibrated': self.calibrated(probability)})
        if self.n > 1: frame.loc[read, 'disagreement'] = mutual_information(each[:, read])
        frame['prediction'] = names
        frame['reason'] = pd.Series([reasons.get(p) for p in frame.path], dtype=object)
        frame['prediction'] = frame.prediction.astype(object).where(frame.reason.isna(), None)
        return frame
