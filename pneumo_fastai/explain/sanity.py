"Sanity checks of heatmaps (Adebayo et al. 2018, arXiv:1810.03292): do they change when what the network learnt is taken away?"
from copy import deepcopy

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata

from ..evaluation.intervals.levels import of_signed

SURVIVES = .8  # a method whose maps keep this rank correlation with all weights random shows the image, not what was learnt


def ssim(a, b) -> np.ndarray:
    "Structural similarity of two stacks of maps (n, h, w) in 0..1, [n] (Wang et al. 2004: Gaussian window, sigma 1.5)."
    def blur(x): return gaussian_filter(x, (0, 1.5, 1.5), truncate=3.5)
    a, b = np.asarray(a, float), np.asarray(b, float)
    ma, mb = blur(a), blur(b)
    va, vb, ab = blur(a * a) - ma**2, blur(b * b) - mb**2, blur(a * b) - ma * mb
    c1, c2 = .01**2, .03**2
    return ((2 * ma * mb + c1) * (2 * ab + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))).mean((1, 2))


def rank_correlation(a, b) -> np.ndarray:
    "Spearman's, of the pixels of each pair of maps, [n]; NaN where a map is flat."
    ranks = [rankdata(x.reshape(len(x), -1), axis=1) for x in (a, b)]
    a, b = (r - r.mean(1, keepdims=True) for r in ranks)
    with np.errstate(invalid='ignore', divide='ignore'): return (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))


def similarity(
    a, b,    # maps (n, h, w)
    patient,  # whose image each is [n]
) -> dict:
    "Mean over the images of both, its 95% interval over patients, and standard deviation; `flat` counts those without a rank correlation."
    out, rank, patient = {}, rank_correlation(a, b), np.asarray(patient)
    has = ~np.isnan(rank)
    for name, values, whose in (('ssim', ssim(a, b), patient), ('rank_correlation', rank[has], patient[has])):
        found = of_signed(whose, {name: values})[name]
        out[name] = dict(mean=float(values.mean()), **found, sd=float(values.std())) if len(values) else None
    return dict(out, n=len(a), flat=int(np.isnan(rank).sum()))


def stages(model) -> list[list[str]]:
    "The modules that hold weights, from the output back to the input; those of one block together."
    own = [k for k, m in model.named_modules() if any(True for _ in m.parameters(recurse=False))]
    blocks = {}
    for name in own: blocks.setdefault('.'.join(name.split('.')[:2]), []).append(name)
    return list(blocks.values())[::-1]


def cascade(model, fresh):
    "Yields (the block, a copy of `model` whose weights from the output back to that block are those of `fresh`)."
    model, random = deepcopy(model), fresh.state_dict()
    for names in stages(model):
        changed = {k: v for k, v in random.items() if any(k.startswith(f'{name}.') for name in names)}
        model.load_state_dict({**model.state_dict(), **changed})
        yield '.'.join(names[0].split('.')[:2]), model
