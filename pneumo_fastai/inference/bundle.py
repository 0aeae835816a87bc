"A trained network and what it needs to read a file, in a folder that holds no code: torch only."
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ..data.decoding.dicom import UnreadableImage, read_square
from ..data.likeness import unlike
from ..errors import InputError
from ..models.ensemble import Ensemble
from ..models.zoo import DESCRIBED, build
from ..report import card
from ..runs import facts
from ..runs.checksums import altered
from ..writing import write
from .decision import NO_NUMBER, decided
from .network import dtype_of, in_threads, parts, ready
from .onnx_file import write_onnx
from .stored import read_arrays, read_weights, write_arrays, write_weights

GIVE = 'give the folder that fit wrote, such as runs/weighted-..., or the model/ in it'


def joined(bundles) -> Ensemble:
    "Their networks as one, for input that is normalised as for the first."
    return Ensemble([b.model for b in bundles], [(b.recipe['mean'], b.recipe['std']) for b in bundles]).eval()


def fresh(recipe):
    "The network of a recipe, or its networks, with weights drawn anew."
    n, network = recipe.get('members', 1), {k: recipe[k] for k in DESCRIBED if k in recipe}
    return build(**network) if n == 1 else Ensemble([build(**network) for _ in range(n)], [(0., 1.)] * n)


class Bundle:
    "`probability(paths)`: what the run's predictions.csv would say of these files, and in bfloat16 nearly that, sooner."
    def __init__(self, state, recipe, precision='float32', device='cpu', references=None, about=None):
        dtype_of(precision)  # raises for one that there is not, before any work
        self.recipe = recipe  # arch, size, aspect, any_view, mean, std, members, threshold, calibrator, conformal, grey, ...
        self.references, self.about = references or {}, about or {}  # arrays by name; what model.json has besides, for people
        self.warnings = {}  # by path, of the images that were read
        self.n, self.precision, self.device = recipe.get('members', 1), precision, torch.device(device)
        self.model = fresh(recipe)
        self.model.load_state_dict(state)
        self.model.eval().requires_grad_(False).to(self.device)  # nothing trains it: a map needs the gradient of its layer alone

    @cached_property
    def network(self):
        "The model as it predicts; `model` is the one to look into."
        return ready(self.model, self.precision)

    @property
    def identity(self):
        "A hash of all that a row of `table` follows from but the file: weights, recipe, precision."
        found = sha256(repr((sorted(self.recipe.items()), self.precision)).encode())
        for name, values in self.model.state_dict().items(): found.update(name.encode() + values.cpu().contiguous().numpy().tobytes())
        return found.hexdigest()

    def untrained(self, seed):
        "The same network with fresh weights, drawn with `seed`, on the same device."
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return fresh(self.recipe).eval().requires_grad_(False).to(self.device)

    def save(self, folder, onnx=False):
        "Into a bundle's folder, made where there is none; model.json comes last, so what has one is whole. `onnx`: with model.onnx."
        folder = Path(folder)
        folder.mkdir(exist_ok=True)
        (folder/facts.NAME).unlink(missing_ok=True)
        write_weights(folder/facts.WEIGHTS, self.model.state_dict())
        if onnx: write_onnx(self, folder/facts.ONNX)
        else: (folder/facts.ONNX).unlink(missing_ok=True)
        if self.references: write_arrays(folder/facts.REFERENCES, self.references)
        found = facts.described(self.recipe, self.about)
        write(folder/facts.CARD, card.text(found))
        facts.save(folder, found)

    @classmethod
    def load(cls, run, precision='float32', device='cpu', unchecked=()) -> 'Bundle':
        "From the folder of a run or a bundle; raises `InputError` where there is none or it is damaged. `unchecked` as for `facts.read`."
        folder = facts.place(run)
        if not (folder/facts.NAME).is_file(): raise InputError(f'{run} holds no {facts.FOLDER}/{facts.NAME}; {GIVE}')
        if found := altered(Path(run), (f'{facts.FOLDER}/{facts.NAME}',)): raise InputError(f'{run}: {found[0]}; put it back as it was')
        found = facts.read(folder, unchecked)
        references = read_arrays(folder/facts.REFERENCES) if facts.REFERENCES in found['files'] else {}
        recipe = {k: v for k, v in facts.flat(found).items() if k != 'decoder'}
        try: return cls(read_weights(folder/facts.WEIGHTS), recipe, precision, device, references, {k: found[k] for k in facts.TOLD})
        except (RuntimeError, TypeError, AttributeError) as e:
            raise InputError(f'{folder} cannot be used: its weights are not those of {recipe["arch"]}; train it anew') from e

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
            else:
                at.append(i)
                if said := unlike(images[-1], self.recipe.get('grey')): self.warnings[str(path)] = said
        if images: out[:, at] = self.of_pixels(np.stack(images))
        return out, reasons

    @torch.inference_mode()
    def of_pixels(self, pixels) -> np.ndarray:
        "(members, n) probabilities of (n, size, size) uint8."
        x = self.normalised(pixels)
        each = self.network(x).softmax(-1)[None] if self.n == 1 else self.network.probabilities(x)
        return each[..., 1].cpu().numpy()

    def table(self, paths, tick=None) -> pd.DataFrame:
        """A row a file: path; probability, as in predictions.csv; calibrated, the same after the run's calibrator; prediction at the
        run's threshold; set, the conformal prediction set of the run's limits: 'no pneumonia', 'pneumonia', 'cannot tell' (both) or
        'neither', None where the model has no limits, as that of a cross-validation has none; and the reason where the file cannot be
        read (None otherwise). Of an ensemble also disagreement: the mutual information of its networks, in nats. Last a warning where
        the image's grey levels are unlike those of training."""
        return self.framed(paths, *self.probabilities(paths, tick=tick))

    def framed(self, paths, each, reasons) -> pd.DataFrame:
        "What `probabilities` says of these files, as `table` has it. A probability that is no number has a reason and no prediction."
        found = decided(self.recipe, each)
        known = found.pop('known')
        frame = pd.DataFrame({'path': pd.Series(list(map(str, paths)), dtype=object)} | {  # which need not be UTF-8
            name: pd.Series(values, dtype=values.dtype) for name, values in found.items()})
        why = [None if k else reasons.get(p, NO_NUMBER) for k, p in zip(known, frame.path, strict=True)]
        frame['reason'] = pd.Series(why, dtype=object)
        frame['warning'] = pd.Series([self.warnings.get(p) for p in frame.path], dtype=object)
        return frame

    def tables(self, paths, batch_size=16, start=0):
        "Yields the `table` of one batch after the other, from the file number `start` on, as if those before it had been there too."
        _ = self.network
        some = parts(list(paths), batch_size, start)
        if not some: return
        for part, found in zip(some, in_threads(self._part, some), strict=True): yield self.framed(part, *found)
