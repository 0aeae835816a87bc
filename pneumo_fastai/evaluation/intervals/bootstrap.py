"The bootstrap over patients, all of a drawn patient's images coming along: spread of a number, percentile interval of a difference."
import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np

from ...errors import InputError
from ..metrics import RANKS, rates
from .clustered import numbered
from .counts import checked, ratio
from .ranks import weighted_average_precision

CHUNK = 500_000  # weights held at a time: a few MB, which stay in the cache of the processor, and bound the memory

THREADS = min(2, os.cpu_count() or 1)
ROWS = 200  # resamples multiplied at a time: with much fewer OpenBLAS takes many times as long


@lru_cache(maxsize=2)  # valid and test: all that is resampled in an evaluation rests on the same draws
def patient_counts(
    patients,  # how many there are
    n,        # resamples
    seed,
):
    "How often each patient is drawn in each resample: whole numbers [n, patients], every row adds up to `patients`."
    rng = np.random.default_rng(seed)
    counts = np.empty((n, patients), dtype=np.uint16)
    for row in counts: row[:] = np.bincount(rng.integers(0, patients, patients), minlength=patients)
    counts.flags.writeable = False
    return counts


def by_score(y, p):
    """What turns weights [k, n] into `(pos, neg, tp, fp)`, each [k, scores] by distinct score from high to low.

    They are the weights of positives and of negatives at each score, and at it and above. Sorting is done once, here, for all the
    weights to come, and not at all where the images already lie so.
    """
    order = np.argsort(-p, kind='stable')
    ends = np.flatnonzero(np.diff(p[order], append=-1.))
    sort, tied, positive = (np.diff(order) < 0).any(), len(ends) < len(p), y[order].astype(float)

    def split(w):
        if sort: w = w[:, order]
        pos = w*positive
        neg = w - pos
        tp, fp = pos.cumsum(1), neg.cumsum(1)
        if not tied: return pos, neg, tp, fp
        tp, fp = tp.take(ends, axis=1), fp.take(ends, axis=1)
        return np.diff(tp, axis=1, prepend=0), np.diff(fp, axis=1, prepend=0), tp, fp
    return split


def weighted_ranks(y, p):
    "What turns weights [k, n] into every metric of `metrics.RANKS`, as name -> [k]; NaN where undefined."
    y, p = checked(y, p)
    if not len(y): raise InputError('there are no predictions to weigh; give at least one')
    split = by_score(y, p)

    def values(w):
        scores = split(w)
        return {name: metric.weighted(*scores) for name, metric in RANKS.items()}
    return values


def balanced_precision(y, p):
    "What turns weights [k, n] into the average precision where each class weighs one half; NaN where a class has no weight."
    split = by_score(y, p)

    def values(w):
        pos, neg, tp, fp = split(w)
        ill, well = tp[:, -1:], fp[:, -1:]
        halves = (ratio(part, whole) for part, whole in ((pos, ill), (neg, well), (tp, ill), (fp, well)))
        return dict(average_precision=weighted_average_precision(*halves))
    return values


def four(y, p, threshold):
    "Columns tn, fp, fn, tp [n, 4]: a one where the image belongs."
    return np.eye(4)[2*y + (p >= threshold)]


def weighted(
    y,  # labels [n]
    p,  # probabilities [n]
    w,  # how often each image counts in each of k resamples [k, n]
    threshold,
):
    "Every metric of `metrics.EVERY` for each row of weights, as name -> [k]; NaN where undefined."
    y, p, w = *checked(y, p), np.asarray(w)
    return {**weighted_ranks(y, p)(w), **rates(*(w @ four(y, p, threshold)).T)}


def percentile(values, level=0.95):
    "The middle `level` of the defined `values`, as low, high and how many were left out; low and high are None where none is defined."
    values = np.asarray(values, dtype=float)
    kept = values[~np.isnan(values)]
    low, high = np.quantile(kept, [(1 - level)/2, (1 + level)/2]).tolist() if len(kept) else (None, None)
    return dict(low=low, high=high, left_out=len(values) - len(kept))


def resamples(
    patient,     # whose image each row is [rows]
    statistic,  # weights [k, rows] -> name -> values [k], NaN where undefined
    n=1000,
    seed=0,
):
    "Each value of `statistic` in n draws of as many patients as there are (Efron 1979), as name -> [n]; with one patient all are NaN."
    if n < 1: raise InputError(f'n is {n}; give 1 resample or more')
    code = numbered(patient)
    if code.max(initial=0) < 1: return {k: np.full(n, np.nan) for k in statistic(np.ones((1, len(code))))}
    counts, step = patient_counts(code.max() + 1, n, seed), max(1, CHUNK//len(code))
    with ThreadPoolExecutor(THREADS) as pool:  # numpy lets go of the interpreter's lock while it adds up
        parts = list(pool.map(lambda i: statistic(counts[i:i + step, code]), range(0, n, step)))
    return {k: np.concatenate([part[k] for part in parts]) for k in parts[0]}


def bootstrap(
    patient, statistic, n=1000, seed=0,  # as for `resamples`
    level=0.95,
):
    """Percentile interval of each value of `statistic`, as name -> low, high, left_out: of a difference between two models, which the
    same weights weigh. Resamples in which a value is undefined are left out and counted. A value itself has an interval in `levels`."""
    if not 0 < level < 1: raise InputError(f'level is {level}; give one between 0 and 1')
    return {k: percentile(v, level) for k, v in resamples(patient, statistic, n, seed).items()}


def by_patient(patient, columns):
    "Sums of the rows of each patient [patients, sums]."
    code, columns = numbered(patient), np.asarray(columns, dtype=float)
    sums = np.zeros((code.max(initial=-1) + 1, columns.shape[1]))
    np.add.at(sums, code, columns)
    return sums


def bootstrap_sums(
    patient,     # whose image each row is [rows]
    columns,    # what each row adds to each sum [rows, sums]
    statistic,  # sums [k, sums] -> name -> values [k], NaN where undefined
    n=1000, seed=0, level=0.95,
):
    "`bootstrap` of what depends on sums over the images alone: added up by patient first, hence quick. The resamples are the same."
    sums = by_patient(patient, columns)
    if len(sums) < 2: return {k: percentile([np.nan]*n) for k in statistic(sums)}
    counts = patient_counts(len(sums), n, seed)
    drawn = np.concatenate([counts[i:i + ROWS].astype(float)@sums for i in range(0, n, ROWS)])
    return {k: percentile(v, level) for k, v in statistic(drawn).items()}


def stated(
    value,     # a number, or None or NaN where undefined
    interval,  # low, high and, of a difference, left_out
    reason,    # why it is undefined, if it is
):
    "value, low, high (and left_out); a `reason` besides where the value or its interval is not defined, or resamples were left out."
    if value is None or np.isnan(value):
        return dict(interval, value=None, low=None, high=None, reason=f'not defined, because {reason}')
    out = dict(value=float(value), **interval)
    if interval['low'] is None: return dict(out, reason=f'no interval, because {FEW}')
    if left := interval.get('left_out'): out['reason'] = f'{left} resamples left out, in which it is not defined'
    return out


FEW = 'all images are of one patient, or no resample defines the number'
