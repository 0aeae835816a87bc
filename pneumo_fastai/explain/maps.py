"The heatmaps of many images: computed by the batch, kept at the layers' own resolution."
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..errors import InputError
from ..report.figures.heat import TOP, Scale
from ..writing import whole
from .gradcam import METHODS, GradCAM, Heat, fused, resized


@dataclass
class Maps:
    "The map of each layer for each path, float16 in 0..1: for a layer of 7 x 7 places 98 bytes an image."
    paths:list
    layers:list
    method:str
    size:int      # of the images
    native:list   # an array (n, h, w) for each layer
    values:list   # float32 arrays (n, h, w), not scaled: the `values` of `Heat`
    last:bool = True  # whether of the maps that go into the network's head
    tops:list = ()    # of each of `values`, what is drawn in the hottest colour
    mirror:bool = False  # whether each is the mean with that of the mirrored image

    def __post_init__(self): self.at = {p: i for i, p in enumerate(self.paths)}

    def __len__(self): return len(self.paths)

    def heat(self, paths, size=None) -> np.ndarray:
        "(n, size, size) float32 in 0..1, the layers fused."
        rows = [self.at[p] for p in paths]
        size = size or self.size
        return fused([torch.from_numpy(m[rows].astype(np.float32)) for m in self.native], (size, size)).numpy()

    def each(self, paths, batch_size=64):
        "Yields the `heat` of one path after the other, without all of them in memory."
        paths = list(paths)
        for start in range(0, len(paths), batch_size): yield from self.heat(paths[start:start + batch_size])

    def on_scale(self, paths) -> 'Maps':
        "The same with `tops` from these images, those of valid: of each of `values` the TOP quantile of an image's hottest place."
        rows = [self.at[p] for p in paths]
        tops = [float(np.quantile(v[rows].max((1, 2)), TOP)) or 1. for v in self.values]  # 0: nothing speaks for it anywhere
        return replace(self, tops=tops)

    def shown(self, paths):
        "Yields for each path (size, size) float32 in 0..1, on one scale for all images: `values` as a share of `tops`, their mean."
        for p in paths:
            parts = [torch.from_numpy(v[self.at[p]][None] / top) for v, top in zip(self.values, self.tops, strict=True)]
            yield torch.stack([resized(o, (self.size, self.size))[0] for o in parts]).mean(0).clamp(max=1).numpy()

    @property
    def how(self) -> dict:
        "What a model says of its heat, for new images to be drawn alike."
        return dict(method=self.method, layers=self.layers, mirror=self.mirror, tops=list(self.tops))

    @property
    def scale(self) -> Scale:
        "What the colours of `shown` mean."
        return Scale(self.tops[0] if len(self.tops) == 1 else 1., self.method, self.last, len(self.tops))

    def save(self, path):
        "One .npz, whole or not at all."
        maps = {f'{name}_{i}': m for name, each in (('map', self.native), ('value', self.values)) for i, m in enumerate(each)}
        with whole(path) as beside:
            np.savez_compressed(beside, paths=np.array(self.paths), layers=np.array(self.layers), method=self.method, size=self.size,
                                last=self.last, tops=np.array(self.tops), **maps)

    @classmethod
    def load(cls, path) -> 'Maps':
        "Raises `InputError` where there is none."
        if not Path(path).is_file(): raise InputError(f'{path} does not exist; python -m pneumo_fastai.gradcam RUN writes it')
        with np.load(path) as f:
            layers = f['layers'].tolist()
            native, values = ([f[k] for k in f.files if k.startswith(name)] for name in ('map_', 'value_'))
            return cls(f['paths'].tolist(), layers, str(f['method']), int(f['size']), native, values, bool(f['last']), f['tops'].tolist())


def compute(model, pixels, paths, stats, layers=None, method='gradcam', **rest) -> Maps:
    "`compute_each` by one method."
    return compute_each(model, pixels, paths, stats, layers, [method], **rest)[method]


def compute_each(
    model, pixels,      # `Pixels`, which has the images
    paths,
    stats,              # (mean, standard deviation) that the model's inputs are normalised by
    layers=None,        # as for `GradCAM`
    methods=METHODS,
    mirror=False,       # as for `GradCAM`
    label=1,            # heat for pneumonia
    batch_size=32,
    tick=None,          # called with (images done, images in all)
) -> dict[str, Maps]:
    "The maps of `paths` by each method, from one pass in float32 on the model's device."
    paths, device, parts = list(paths), next(model.parameters()).device, {m: [] for m in methods}
    with GradCAM(model, layers, next(iter(methods)), mirror) as cam:
        for start in range(0, len(paths), batch_size):
            x = torch.from_numpy(np.stack([pixels[p] for p in paths[start:start + batch_size]])).to(device)
            found = cam.by_method(x.float().div(255).sub(stats[0]).div(stats[1])[:, None], parts, label)
            for m, part in parts.items(): part.append(arrays(found[m]))
            if tick: tick(min(start + batch_size, len(paths)), len(paths))
        size = pixels.array.shape[1]
        return {m: Maps(paths, cam.layers, m, size, *joined(part), cam.last, mirror=mirror) for m, part in parts.items()}


def arrays(heat) -> Heat: return Heat([o.half().cpu().numpy() for o in heat.maps], [o.cpu().numpy() for o in heat.values])


def joined(parts) -> Heat:
    "The arrays of several batches, one after the other."
    return Heat(*([np.concatenate(o) for o in zip(*each, strict=True)] for each in zip(*parts, strict=True)))
