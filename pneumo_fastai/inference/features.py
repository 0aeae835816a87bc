"How far an image is from valid in a network's own features: the distance to its k-th neighbour (Sun et al. 2022, arXiv:2204.06507)."
import copy

import numpy as np
import torch
from torch.nn.functional import normalize

from .network import ready, seen

K = 1           # the neighbour whose distance counts; the paper's is about 0.1% of the images, and here are at most MOST
MOST = 2000     # images of valid that are kept, evenly chosen
FEWEST = 50     # below so many there is no percentile to speak of
SHARE = .99     # of the images of valid, each held against the others, are nearer than the limit


def references(
    model,   # a network, on its device; not changed
    pixels,  # a `Pixels`
    table,   # path and label of the images of valid
    stats,   # (mean, standard deviation) that its inputs are normalised by
    batch_size=32,
) -> dict:
    "`features_1`, (n, channels) float16, each of length 1, and `labels_1`, (n,) int8, of at most MOST images; {} where there are too few."
    if len(table) < FEWEST: return {}
    some = table.iloc[np.linspace(0, len(table) - 1, min(len(table), MOST)).round().astype(int)]
    network, device, paths = ready(copy.deepcopy(model).eval()), next(model.parameters()).device, list(some.path)
    each = []
    with torch.inference_mode():
        for start in range(0, len(paths), batch_size):
            x = torch.from_numpy(np.stack([pixels[p] for p in paths[start:start + batch_size]])).to(device)
            each.append(seen(network, x.float().div(255).sub(stats[0]).div(stats[1])[:, None])[1][0].half().cpu().numpy())
    return dict(features_1=np.concatenate(each), labels_1=some.label.to_numpy(np.int8))


def kth(features, others, k) -> torch.Tensor:
    "(n,) distances of `features` (n, channels) to their k-th nearest of `others`, all of length 1."
    return (2 - 2 * (features @ others.T).topk(k).values[:, -1]).clamp_min(0).sqrt()


def limits(found) -> dict|None:
    "`k`, and of each network in `references` the distance that SHARE of its own images are within, each held against the others."
    if not found: return None
    own = [torch.cat([kth(part, o, K + 1) for part in o.split(500)]) for o in numbered(found)]  # the nearest of all is the image itself
    return dict(k=K, limits=[round(float(torch.quantile(o, SHARE)), 5) for o in own])


def numbered(found) -> list:
    "`features_1`, `features_2`, ... as tensors, in order, of length 1 again: float16 made them a little longer or shorter."
    return [normalize(torch.from_numpy(found[f'features_{i}']).float()) for i in range(1, len(found) // 2 + 1)]


def together(bundles) -> tuple[dict, dict]:
    "What the recipe of several networks that become one says of features and heat, and their references; nothing unless all have some."
    known = [b.recipe.get('features') for b in bundles]
    if not all(known) or len({one['k'] for one in known}) > 1: return dict(features=None, heat=None), {}
    found = {f'{name}_{i}': b.references[f'{name}_1'] for i, b in enumerate(bundles, 1) for name in ('features', 'labels')}
    return dict(features=dict(k=known[0]['k'], limits=[one['limits'][0] for one in known]), heat=None), found


class Far:
    "For each image, of whose features `network.seen` tells, what is unlike in them, in words, or None."
    def __init__(
        self,
        known,   # of `limits` or `together`, or None
        found,   # the references
        device,
    ):
        self.k, self.limits = (known['k'], known['limits']) if known and found else (None, [])
        self.others = [f.to(device) for f in numbered(found)] if self.limits else []

    def __call__(self, each) -> list:
        n, most = len(each[0]), len(self.limits)
        if not most: return [None] * n
        far = [kth(f, o, self.k) > limit for f, o, limit in zip(each, self.others, self.limits, strict=True)]
        return [self.said(count, most) if 2 * count > most else None for count in torch.stack(far).sum(0).tolist()]

    def said(self, count, most):
        of = f'the features of {count} of {most} networks' if most > 1 else 'the network\'s own features'
        return f'farther from the validation images than {SHARE:.0%} of them are, in {of}'
