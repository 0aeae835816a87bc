"Do heatmaps fall where radiologists drew boxes? Pointing game, energy, pixel average precision and IoU, beside opponents that see nothing."
import numpy as np

from ..evaluation.intervals.bootstrap import bootstrap_sums, stated
from ..evaluation.intervals.counts import ratio
from ..evaluation.intervals.levels import of_shares, of_sums
from ..evaluation.subgroups import by_first_number

LEVELS = 1000                         # steps of heat in average precision and IoU: at finer ones nothing changes in the third digit
CUTS = np.arange(1, 20) / 20          # thresholds of heat to choose from, for IoU
MEASURES = 'pointing', 'energy', 'average_precision', 'iou'
NO_IMAGE = 'there is no positive with boxes'
SMALL = 30                            # a group of fewer images is marked


def clipped(boxes, size) -> tuple[list, int]:
    "(x, y, width, height) boxes cut to the (size, size) image, without those that lie outside of it; and how many were cut or left out."
    cut = [(max(x, 0), max(y, 0), min(x + w, size), min(y + h, size)) for x, y, w, h in boxes]
    sides = [(left, top, max(right - left, 0), max(bottom - top, 0)) for left, top, right, bottom in cut]
    changed = sum(abs(w * h - width * height) > 1 for (*_, w, h), (*_, width, height) in zip(sides, boxes, strict=True))
    return [box for box in sides if box[2] and box[3]], changed


def box_mask(boxes, size) -> np.ndarray:
    "Whether the centre of each pixel is in a box, (size, size) bool."
    at, mask = np.arange(size) + .5, np.zeros((size, size), bool)
    for x, y, w, h in boxes: mask |= ((at >= y) & (at < y + h))[:, None] & ((at >= x) & (at < x + w))
    return mask


def pointing(heat, mask) -> float:
    "1 where the hottest pixel is in a box, 0 where not (pointing game, Zhang et al. 2018); of several equally hot ones, the share inside."
    return float(mask[heat == heat.max()].mean())


def energy(heat, mask) -> float:
    "The share of all heat that is in the boxes (Wang et al. 2020, Score-CAM); of a map without heat, that of an even one."
    total = heat.sum(dtype=float)
    return float(heat[mask].sum(dtype=float) / total) if total else float(mask.mean())


def from_the_hottest(heat, mask) -> tuple[np.ndarray, np.ndarray]:
    "Pixels at or above each of LEVELS heats, from 1 down to 0: those in the boxes, and all."
    level = LEVELS - 1 - np.minimum((heat * LEVELS).astype(int), LEVELS - 1)
    return np.bincount(level[mask], minlength=LEVELS).cumsum(), np.bincount(level.ravel(), minlength=LEVELS).cumsum()


def scores(
    heat,  # (size, size) in 0..1
    mask,  # (size, size) bool, not empty
) -> dict:
    "pointing, energy, average_precision (of the pixels, as sklearn's; the area under precision and recall) and iou at each of CUTS."
    inside, hot = from_the_hottest(heat, mask)
    precision = inside / np.maximum(hot, 1)
    ap = float((np.diff(inside, prepend=0) * precision).sum() / inside[-1])
    at = LEVELS - 1 - np.round(CUTS * LEVELS).astype(int)
    return dict(pointing=pointing(heat, mask), energy=energy(heat, mask), average_precision=ap,
                iou=(inside / (hot + inside[-1] - inside))[at])


def table(heats, masks) -> dict:
    "`scores` of each image, stacked: arrays [n], iou [n, cuts]."
    each = [scores(h, m) for h, m in zip(heats, masks, strict=True)]
    return {k: np.array([s[k] for s in each]) for k in MEASURES}


def best_cut(valid) -> int:
    "The place in CUTS of the best mean IoU of a `table`."
    return int(valid['iou'].mean(0).argmax())


def mean(values): return values.mean() if len(values) else None


def means(
    columns,  # measure -> values [n], one an image
    patient,
) -> dict:
    "Mean of each measure with its 95% interval."
    hits = np.stack([np.ones(len(patient)), columns['pointing']], axis=1)
    counted = of_sums(patient, hits, lambda s: dict(pointing=ratio(s[:, 1], s[:, 0])), dict(pointing=((0,),)))
    intervals = of_shares(patient, columns) | counted
    return {k: stated(mean(v), intervals[k], NO_IMAGE) for k, v in columns.items()}


def differences(columns, patient, n_boot, seed) -> dict:
    "Mean of each measure's differences, with its 95% interval by resampling patients."
    values = np.stack([np.ones(len(patient)), *columns.values()], 1)
    def statistic(sums): return {k: ratio(sums[:, i], sums[:, 0]) for i, k in enumerate(columns, 1)}
    intervals = bootstrap_sums(patient, values, statistic, n_boot, seed)
    return {k: stated(mean(v), intervals[k], NO_IMAGE) for k, v in columns.items()}


def at_cut(tables, cut): return {k: v[:, cut] if k == 'iou' else v for k, v in tables.items()}


def localization(
    heats,       # name -> (maps of valid, maps of test), n of (size, size) in 0..1, gone through once; 'model' among them
    masks,       # (of valid, of test), (n, size, size) bool, none empty
    patient,      # of each image of test
    groups=None, # name -> the group of each image of test
    n_boot=1000, seed=0,
) -> dict:
    """For each name of `heats`: its measures on test with intervals, IoU at the heat that is best on valid. `difference`: that of the
    model less each other's, on the same images, and `by`: the model's measures in each group, with the means of the others there."""
    found, cuts = {}, {}
    for name, (valid, test) in heats.items():
        cuts[name] = best_cut(table(valid, masks[0])) if len(masks[0]) else len(CUTS) // 2
        found[name] = at_cut(table(test, masks[1]), cuts[name])
    own, patient = found['model'], np.asarray(patient)
    less = {k: differences({m: own[m] - f[m] for m in MEASURES}, patient, n_boot, seed) for k, f in found.items() if k != 'model'}
    def within(g, rows):
        others = {k: {m: float(f[m][rows].mean()) for m in MEASURES} for k, f in found.items() if k != 'model'}
        return dict(group=g, n=int(rows.sum()), small=bool(rows.sum() < SMALL), others=others,
                    **means({m: own[m][rows] for m in MEASURES}, patient[rows]))
    by = {name: [within(g, of == g) for g in sorted({g for g in of if g is not None}, key=by_first_number)]
          for name, of in (groups or {}).items()}
    return dict(n=len(patient), patients=len(set(patient)), maps={k: means(f, patient) for k, f in found.items()},
                cut={k: float(CUTS[c]) for k, c in cuts.items()}, difference=less, by=by)
