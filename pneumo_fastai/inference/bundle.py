"A trained network and what it needs to read a file, in a folder that holds no code: torch only."
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from ..data.decoding.dicom import UnreadableImage
from ..errors import InputError
from ..models.ensemble import Ensemble
from ..models.zoo import DESCRIBED, build
from ..report import card
from ..runs import facts
from ..runs.checksums import altered
from ..runs.state import check_done
from ..writing import write
from .decision import read
from .likeness import Likeness
from .network import dtype_of, in_threads, parts, ready, seen
from .onnx_file import write_onnx
from .rows import framed
from .stored import read_arrays, read_weights, write_arrays, write_weights

AGAIN = 'put it back as it was, or python -m pneumo_fastai.export RUN writes it anew'


def joined(bundles) -> Ensemble:
    "Their networks as one, for input that is normalised as for the first."
    return Ensemble([b.model for b in bundles], [(b.recipe['mean'], b.recipe['std']) for b in bundles]).eval()


def fresh(recipe):
    "The network of a recipe, or its networks, with weights drawn anew."
    n, network = recipe.get('members', 1), {k: recipe[k] for k in DESCRIBED if k in recipe}
    return build(**network) if n == 1 else Ensemble([build(**network) for _ in range(n)], [(0., 1.)] * n)


class Seen(NamedTuple):
    "Some files after the network."
    each:np.ndarray    # (members, n) probabilities of pneumonia, NaN where a file could not be read
    reasons:dict       # by path, why not
    warnings:dict      # by path, a tuple of what makes an image unlike those of training; absent where nothing does
    pixels:np.ndarray  # (images, size, size) uint8, of those that were read


class Bundle:
    "`probability(paths)`: what the run's predictions.csv would say of these files, and in bfloat16 nearly that, sooner."
    def __init__(self, state, recipe, precision='float32', device='cpu', references=None, about=None):
        dtype_of(precision)  # raises for one that there is not, before any work
        self.recipe = recipe  # arch, size, aspect, any_view, mean, std, members, threshold, calibrator, conformal, grey, ...
        self.references, self.about = references or {}, about or {}  # arrays by name; what model.json has besides, for people
        self.n, self.precision, self.device = recipe.get('members', 1), precision, torch.device(device)
        self.model = fresh(recipe)
        self.model.load_state_dict(state)
        self.model.eval().requires_grad_(False).to(self.device)  # nothing trains it: a map needs the gradient of its layer alone

    @cached_property
    def network(self):
        "The model as it predicts; `model` is the one to look into."
        return ready(self.model, self.precision)

    @cached_property
    def likeness(self):
        "What tells an image that is unlike those of training."
        return Likeness(self.recipe, self.references, self.device)

    def warm(self):
        "Makes what is kept, before there are threads that would each make it."
        _ = self.network, self.likeness

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
        """Into a bundle's folder, made where there is none; `onnx`: with model.onnx. model.json comes last, and what it does not have the
        sums of is read by nobody: an older one stays until then, for this to be done again after an interruption."""
        folder = Path(folder)
        folder.mkdir(exist_ok=True)
        write_weights(folder/facts.WEIGHTS, self.model.state_dict())
        if onnx: write_onnx(self, folder/facts.ONNX)
        else: (folder/facts.ONNX).unlink(missing_ok=True)
        if self.references: write_arrays(folder/facts.REFERENCES, self.references)
        else: (folder/facts.REFERENCES).unlink(missing_ok=True)  # or those of an older model would get a sum
        found = facts.described(self.recipe, self.about)
        write(folder/facts.CARD, card.text(found))
        facts.save(folder, found)

    @classmethod
    def load(cls, run, precision='float32', device='cpu', unchecked=()) -> 'Bundle':
        "From the folder of a run or a bundle; raises `InputError` where there is none or it is damaged. `unchecked` as for `facts.read`."
        check_done(run)
        folder = facts.place(run)
        found = facts.read(folder, unchecked)
        if other := altered(Path(run), (f'{facts.FOLDER}/{facts.NAME}',)): raise InputError(f'{run}: {other[0]}; {AGAIN}')
        references = read_arrays(folder/facts.REFERENCES) if facts.REFERENCES in found['files'] else {}
        recipe = {k: v for k, v in facts.flat(found).items() if k != 'decoder'}
        about = {k: found[k] for k in (*facts.TOLD, *facts.MORE) if k in found}
        try: return cls(read_weights(folder/facts.WEIGHTS), recipe, precision, device, references, about)
        except (RuntimeError, TypeError, AttributeError) as e:
            raise InputError(f'{folder} cannot be used: its weights are not those of {recipe["arch"]}; train it anew') from e

    def read(self, path) -> tuple[np.ndarray, tuple]: return read(self.recipe, path)
    def pixels(self, path) -> np.ndarray: return self.read(path)[0]

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
        self.warm()
        found, reasons, done = [], {}, 0
        for one in in_threads(self._part, parts(list(paths), batch_size)):
            found.append(one.each)
            reasons |= one.reasons
            done += one.each.shape[1]
            if tick: tick(done)
        return np.concatenate(found, 1), reasons

    def _part(self, paths) -> Seen:
        "`probabilities` of one batch."
        reasons, at, images, doubts = {}, [], [], []
        for i, path in enumerate(paths):
            try: pixels, doubt = self.read(path)
            except UnreadableImage as e: reasons[str(path)] = e.reason
            else:
                at.append(i)
                images.append(pixels)
                doubts.append(doubt)
        each = np.full((self.n, len(paths)), np.nan)
        if not images: return Seen(each, reasons, {}, np.zeros((0, 0, 0), np.uint8))
        each[:, at], warnings = self.judged(pixels := np.stack(images), doubts)
        return Seen(each, reasons, {str(paths[i]): said for i, said in zip(at, warnings, strict=True) if said}, pixels)

    @torch.inference_mode()
    def judged(self, pixels, doubts=None) -> tuple[np.ndarray, list]:
        "(members, n) probabilities of (n, size, size) uint8, and for each a tuple of what makes it unlike the images of training."
        each, features = seen(self.network, self.normalised(pixels))
        return each[..., 1].cpu().numpy(), self.likeness(pixels, features, doubts or [()] * len(pixels))

    def of_pixels(self, pixels) -> np.ndarray: return self.judged(pixels)[0]

    def table(self, paths, tick=None) -> pd.DataFrame:
        """A row a file: path; probability, as in predictions.csv; calibrated, the same after the run's calibrator; prediction at the
        run's threshold; set, the conformal prediction set of the run's limits: 'no pneumonia', 'pneumonia', 'cannot tell' (both) or
        'neither', None where the model has no limits, as that of a cross-validation has none; and the reason where the file cannot be
        read (None otherwise). Of an ensemble also disagreement: the mutual information of its networks, in nats. Last warnings, joined by
        '; ': what its header says against a frontal chest radiograph, and where it is unlike the images of training in its grey levels,
        its layout or the network's features."""
        if not len(paths): return framed(self.recipe, [], np.zeros((self.n, 0)), {}, {})
        done, frames = 0, []
        for frame in self.tables(paths):
            frames.append(frame)
            done += len(frame)
            if tick: tick(done)
        return pd.concat(frames, ignore_index=True)

    def tables(
        self, paths, batch_size=16,
        start=0,     # the number of the file to begin with, as if those before it had been there too
        draw=None,   # `draw(bundle, frame, pixels)` of each batch, in its thread: its `table`, and the images of it that were read
    ):
        "Yields the `table` of one batch after the other."
        self.warm()
        def work(part):
            found = self._part(part)
            frame = framed(self.recipe, part, found.each, found.reasons, found.warnings)
            if draw: draw(self, frame, found.pixels)
            return frame
        if some := parts(list(paths), batch_size, start): yield from in_threads(work, some)
