"Numbers with their intervals and, where there are none, the reason: what every part of an evaluation is made of."
import numpy as np

from .intervals import bootstrap, bootstrap_sums, four, stated, weighted_ranks
from .metrics import EVERY, RANKS, RATES, both_classes, checked, confusion, measure, predictive_values, rates

NO_POSITIVE, NO_NEGATIVE = 'no image is positive', 'no image is negative'
ONE_CLASS = 'the images are all of one class'
NO_IMAGE = 'there is no image'


ELSEWHERE = dict(precision_there='precision', npv_there='npv')
UNDEFINED = dict(recall=NO_POSITIVE, average_precision=NO_POSITIVE, specificity=NO_NEGATIVE, precision='no image is called positive',
                 npv='no image is called negative', f1='no image is positive and none is called so')


def reason(name, tn, fp, fn, tp):
    "Why a metric of `EVERY` is undefined for these counts."
    if not tn + fp + fn + tp: return NO_IMAGE
    if name == 'mcc' and tn + fp and fn + tp: return 'the calls are all of one class'
    return UNDEFINED.get(name, ONE_CLASS)


def counted(y, p, threshold):
    "threshold (None where each image has its own), tn, fp, fn, tp."
    counts = dict(zip(('tn', 'fp', 'fn', 'tp'), confusion(y, p, threshold), strict=True))
    return dict(threshold=float(threshold) if np.ndim(threshold) == 0 else None, **counts)


def about(rows):
    "n, persons, positives, prevalence."
    y = rows['label']
    return dict(n=len(y), persons=int(rows['person'].nunique()), positives=int(y.sum()), prevalence=float(y.mean()) if len(y) else None)


def rates_block(
    rows,  # columns person, label, probability
    threshold, n_boot, seed,
    prevalence=None,  # one between 0 and 1 to state precision and npv at
):
    """threshold, the four counts and every metric of `RATES` with its interval.

    Also `at_prevalence`, where one is stated: precision and npv there, sensitivity and specificity staying what they are (Bayes' rule).
    """
    y, p = checked(rows['label'], rows['probability'])
    counts, columns = confusion(y, p, threshold), four(y, p, threshold)

    def values(sums):
        found = rates(*sums.T)
        if prevalence is None: return found
        return found | dict(zip(ELSEWHERE, predictive_values(found['recall'], found['specificity'], prevalence), strict=True))
    intervals, here = bootstrap_sums(rows['person'], columns, values, n_boot, seed), values(columns.sum(0, keepdims=True))
    block = dict(counted(y, p, threshold), **{k: stated(here[k][0], intervals[k], reason(k, *counts)) for k in RATES})
    if prevalence is None: return block
    why = 'no call of this kind is to be expected' if both_classes(y) else ONE_CLASS
    there = {name: stated(here[k][0], intervals[k], why) for k, name in ELSEWHERE.items()}
    return dict(block, at_prevalence=dict(prevalence=float(prevalence), **there))


def blocks(
    rows,        # columns person, label, probability
    thresholds,  # name -> threshold, or one for each row
    n_boot, seed,
    prevalence=None,
):
    "For each threshold by name: n, persons, positives, prevalence and `rates_block`, with every metric of `RANKS`, equal in all of them."
    y, p = checked(rows['label'], rows['probability'])
    intervals, values = bootstrap(rows['person'], weighted_ranks(y, p), n_boot, seed), measure(y, p)
    counts = confusion(y, p)
    ranked = {k: stated(values[k], intervals[k], reason(k, *counts)) for k in RANKS}
    out = {}
    for name, threshold in thresholds.items():
        rest = rates_block(rows, threshold, n_boot, seed, prevalence)
        every = {k: {**rest, **ranked}[k] for k in EVERY}
        out[name] = dict(about(rows), **{k: v for k, v in rest.items() if k not in RATES}, **every)
    return out


def balanced_rows(
    rows,
    seed,
):
    """As many images of each class: all of the rarer, and of the other as many, drawn once without replacement.

    Rows are drawn in the order of their path, so that their order in the file does not matter; empty where a class is missing.
    """
    rows = rows.sort_values('path', kind='stable')
    fewest = min((rows['label'] == c).sum() for c in (0, 1))
    drawn = [group.sample(fewest, random_state=seed) for _, group in rows.groupby('label')]
    return rows.loc[sorted(i for group in drawn for i in group.index)] if fewest else rows.iloc[:0]


def balanced(rows, thresholds, n_boot, seed, prevalence=None):
    "`blocks` on `balanced_rows`, like-for-like with tables that report balanced sets; a reason where a class is missing."
    subset = balanced_rows(rows, seed)
    if subset.empty: return dict(reason=f'not defined, because {ONE_CLASS}')
    how = (f'all {len(subset)//2} images of the rarer class and as many of the other, drawn once at random (seed {seed}); '
           'the threshold stays the one chosen on valid')
    return dict(how=how, **blocks(subset, thresholds, n_boot, seed, prevalence))
