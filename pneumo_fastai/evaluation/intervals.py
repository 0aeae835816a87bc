"How far chance alone may have moved a number: percentile bootstrap over persons, all of a drawn person's images coming along."
import numpy as np
import pandas as pd

from ..errors import InputError
from .metrics import checked, rates, ratio

CHUNK = 2_000_000  # weights held at a time; bounds the memory of a bootstrap to some tens of MB


def person_counts(
    persons,  # how many there are
    n,        # resamples
    seed,
):
    "How often each person is drawn in each resample: whole numbers [n, persons], every row adds up to `persons`."
    rng = np.random.default_rng(seed)
    return np.stack([np.bincount(rng.integers(0, persons, persons), minlength=persons) for _ in range(n)]).astype(np.uint16)


def _ranked(y, p, w):
    "Weights of positives and of negatives [k, scores], by distinct score from low to high."
    order = np.argsort(p, kind='stable')
    starts = np.flatnonzero(np.diff(p[order], prepend=-1))
    w, y = w[:, order], y[order]
    return np.add.reduceat(w*y, starts, axis=1), np.add.reduceat(w*(1 - y), starts, axis=1)


def weighted(
    y,  # labels [n]
    p,  # probabilities [n]
    w,  # how often each image counts in each of k resamples [k, n]
    threshold,
):
    "Every metric of `metrics.METRICS` for each row of weights, as name -> [k]; NaN where undefined."
    y, p, w = *checked(y, p), np.asarray(w, dtype=float)
    if not len(y): raise InputError('there are no predictions to weigh; give at least one')
    values = rates(*(w @ np.eye(4)[2*y + (p >= threshold)]).T)
    pos, neg = _ranked(y, p, w)
    positives, negatives = pos.sum(1), neg.sum(1)
    values['auroc'] = ratio((pos*(neg.cumsum(1) - neg/2)).sum(1), positives*negatives)
    tp, fp = pos[:, ::-1].cumsum(1)[:, ::-1], neg[:, ::-1].cumsum(1)[:, ::-1]
    precision = np.divide(tp, tp + fp, out=np.zeros_like(tp), where=tp > 0)
    values['average_precision'] = ratio((pos*precision).sum(1), positives)
    return values


def percentile(values, level=0.95):
    "The middle `level` of the defined `values`, as low, high and how many were left out; low and high are None where none is defined."
    values = np.asarray(values, dtype=float)
    kept = values[~np.isnan(values)]
    low, high = np.quantile(kept, [(1 - level)/2, (1 + level)/2]).tolist() if len(kept) else (None, None)
    return dict(low=low, high=high, left_out=len(values) - len(kept))


def bootstrap(
    person,     # whose image each row is [rows]
    statistic,  # weights [k, rows] -> name -> values [k], NaN where undefined
    n=1000,     # resamples
    seed=0,
    level=0.95,
):
    """Percentile interval of each value of `statistic`, as name -> low, high, left_out (Efron 1979, persons being the unit).

    Resamples in which a value is undefined are left out and counted. With fewer than two persons nothing varies: low and high are None.
    A difference between two models on the same images is one more statistic of the same weights.
    """
    code, persons = pd.factorize(np.asarray(person, dtype=object))
    if (code < 0).any(): raise InputError(f'{(code < 0).sum()} of {len(code)} rows name no person; name one for every image')
    if n < 1 or not 0 < level < 1: raise InputError(f'n is {n} and level {level}; give n of 1 or more and a level between 0 and 1')
    if len(persons) < 2: return {k: dict(low=None, high=None, left_out=n) for k in statistic(np.ones((1, len(code))))}
    counts = person_counts(len(persons), n, seed)
    step = max(1, CHUNK//len(code))
    parts = [statistic(counts[i:i + step, code]) for i in range(0, n, step)]
    return {k: percentile(np.concatenate([part[k] for part in parts]), level) for k in parts[0]}
