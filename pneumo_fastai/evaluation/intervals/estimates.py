"Numbers with their intervals and, where there are none, the reason: what every part of an evaluation is made of."
import numpy as np

from ..metrics import CLASSES, EVERY, RANKS, RATES, halved, measure, predictive_values, rates
from .bootstrap import balanced_precision, four, stated, weighted_ranks
from .clustered import auroc_influence
from .counts import NO_CALL, NO_IMAGE, ONE_CLASS, both_classes, checked, confusion
from .levels import of_influence, of_resamples, of_sums, predictive

OF = {name: metric.about for name, metric in RATES.items()}  # the images that a rate is about, for `levels.of_sums`
HALVES = {k: CLASSES for k, m in RATES.items() if not m.even and k not in ('precision', 'npv')}  # these two follow by Bayes' rule


def reason(name, tn, fp, fn, tp):
    "Why a metric of `EVERY` is undefined for these counts."
    if not tn + fp + fn + tp: return NO_IMAGE
    why = EVERY[name].undefined
    return why(tn, fp, fn, tp) if callable(why) else why


def counted(y, p, threshold):
    "threshold (None where each image has its own), tn, fp, fn, tp."
    counts = dict(zip(('tn', 'fp', 'fn', 'tp'), confusion(y, p, threshold), strict=True))
    return dict(threshold=float(threshold) if np.ndim(threshold) == 0 else None, **counts)


def about(rows):
    "n, patients, positives, prevalence."
    y = rows['label']
    return dict(n=len(y), patients=int(rows['patient'].nunique()), positives=int(y.sum()), prevalence=float(y.mean()) if len(y) else None)


def there(block, prevalence, why):
    "precision and npv where `prevalence` of the images are positive, from the recall and the specificity of a block."
    both = block['recall'], block['specificity']
    values = predictive_values(*(float('nan') if m['value'] is None else m['value'] for m in both), prevalence)
    return {k: stated(v, interval, why) for k, v, interval in zip(('precision', 'npv'), values, predictive(*both, prevalence), strict=True)}


def rates_block(
    rows,  # columns patient, label, probability
    threshold,
    prevalence=None,  # one between 0 and 1 to state precision and npv at
):
    """threshold, the four counts and every metric of `RATES` with its interval.

    Also `at_prevalence`, where one is stated: precision and npv there, sensitivity and specificity staying what they are (Bayes' rule).
    """
    y, p = checked(rows['label'], rows['probability'])
    counts = confusion(y, p, threshold)
    here, intervals = rates(*counts), of_sums(rows['patient'], four(y, p, threshold), lambda s: rates(*s.T), OF)
    block = dict(counted(y, p, threshold), **{k: stated(here[k], intervals[k], reason(k, *counts)) for k in RATES})
    if prevalence is None: return block
    why = NO_CALL if both_classes(y) else ONE_CLASS
    return dict(block, at_prevalence=dict(prevalence=float(prevalence), **there(block, prevalence, why)))


def ranks_block(rows, n_boot, seed):
    "Every metric of `RANKS` with its interval."
    y, p = checked(rows['label'], rows['probability'])
    counts, values = confusion(y, p), measure(y, p)
    groups = {name: tuple(y == label for label in metric.about) for name, metric in RANKS.items() if name != 'auroc'}
    auroc, influence = auroc_influence(y, p)
    intervals = of_resamples(rows['patient'], weighted_ranks(y, p), groups, influence, n_boot, seed)
    intervals['auroc'] = of_influence(rows['patient'], y, auroc, influence)
    return {k: stated(values[k], intervals[k], reason(k, *counts)) for k in RANKS}


def blocks(
    rows,        # columns patient, label, probability
    thresholds,  # name -> threshold, or one for each row
    n_boot, seed,
    prevalence=None,
):
    "For each threshold by name: n, patients, positives, prevalence and `rates_block`, with every metric of `RANKS`, equal in all of them."
    ranked, out = ranks_block(rows, n_boot, seed), {}
    for name, threshold in thresholds.items():
        rest = rates_block(rows, threshold, prevalence)
        every = {k: {**rest, **ranked}[k] for k in EVERY}
        out[name] = dict(about(rows), **{k: v for k, v in rest.items() if k not in RATES}, **every)
    return out


def balanced(
    rows,
    found,  # of `rows`, as `blocks` gives it
    n_boot, seed,
):
    """Each block of `found` at a prevalence of one half, for comparison with tables on balanced sets; a reason where a class is missing.

    Nothing is drawn: the images of each class weigh one half together. What asks for no prevalence stays as it is.
    """
    y, p = checked(rows['label'], rows['probability'])
    if not both_classes(y): return dict(reason=f'not defined, because {ONE_CLASS}')
    statistic, about_it = balanced_precision(y, p), dict(average_precision=(y == 1,))
    interval = of_resamples(rows['patient'], statistic, about_it, auroc_influence(y, p)[1], n_boot, seed)['average_precision']
    average = stated(statistic(np.ones((1, len(y))))['average_precision'][0], interval, '')
    out = dict(how='all of its images, those of each class weighing one half together; the threshold stays the one chosen on valid')
    for name, block in found.items():
        changed = dict(halves(rows, block['threshold']), **there(block, .5, NO_CALL), average_precision=average)
        out[name] = dict(about(rows) | dict(prevalence=.5), threshold=block['threshold'], **{k: changed.get(k, block[k]) for k in EVERY})
    return out


def halves(rows, threshold):
    "The metrics of `HALVES`, each class weighing one half."
    y, p = checked(rows['label'], rows['probability'])
    columns, counts = four(y, p, threshold), confusion(y, p, threshold)
    def values(sums): return rates(*halved(*sums.T))
    here, intervals = values(columns.sum(0, keepdims=True)), of_sums(rows['patient'], columns, values, HALVES)
    return {k: stated(here[k][0], intervals[k], reason(k, *counts)) for k in HALVES}
