"""What a set of predictions is worth: the one list of all metrics, and their values. An undefined one is None, never NaN, never a warning.

To add a metric is to add an entry to `RATES` or `RANKS`: it is measured then, has an interval, and stands in metrics.json and the report.
"""
from collections import ChainMap
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from .intervals import ranks
from .intervals.counts import NO_NEGATIVE, NO_POSITIVE, ONE_CLASS, both_classes, checked, confusion, ratio

TN, FP, FN, TP = range(4)
ALL, CLASSES = ((TN, FP, FN, TP),), ((TN, FP), (FN, TP))
FIXED = (90, 95)  # per cent


@dataclass(frozen=True)
class Rate:
    "A metric that needs a threshold: it follows from the four counts of calls."
    label:str
    meaning:str
    of:Callable           # of tn, fp, fn, tp, numbers or arrays of one shape; NaN where undefined
    about:tuple           # the counts that it is a mean over, group by group: which images its interval rests on
    undefined:object = ONE_CLASS  # why there may be none, or what says so of the four counts
    short:bool = False    # whether it is in the short table
    least:float = 0       # its lowest possible value; the highest is 1
    even:bool = False     # whether it stays as it is where each class weighs one half


@dataclass(frozen=True)
class Rank:
    "A metric that needs no threshold: it follows from the order of the probabilities."
    label:str
    meaning:str
    of:Callable           # of labels and probabilities; None where undefined
    weighted:Callable     # of what `bootstrap.by_score` gives, to [k]; NaN where undefined
    about:tuple = (1, 0)  # the labels of the images that its interval rests on
    undefined:object = ONE_CLASS
    short:bool = False


def recall(tn, fp, fn, tp): return ratio(tp, tp + fn)
def specificity(tn, fp, fn, tp): return ratio(tn, tn + fp)


def correlation(tn, fp, fn, tp):
    "Of label and call (Matthews 1975)."
    return ratio(tp*tn - fp*fn, np.sqrt((tp + fp)*(tp + fn)*(tn + fp)*(tn + fn)))


def no_correlation(tn, fp, fn, tp): return 'the calls are all of one class' if tn + fp and fn + tp else ONE_CLASS


RATES = dict(
    accuracy=Rate('accuracy', 'calls that are right', lambda tn, fp, fn, tp: ratio(tn + tp, tn + fp + fn + tp), ALL, short=True),
    balanced_accuracy=Rate('balanced accuracy', 'mean of sensitivity and specificity', lambda *n: (recall(*n) + specificity(*n))/2, CLASSES,
                           short=True, even=True),
    precision=Rate('precision', 'PPV: of the images called pneumonia, those that are', lambda tn, fp, fn, tp: ratio(tp, tp + fp),
                   ((FP, TP),), 'no image is called positive', short=True),
    recall=Rate('recall', 'sensitivity: of the images with pneumonia, those found', recall, CLASSES[1:], NO_POSITIVE,
                short=True, even=True),
    specificity=Rate('specificity', 'of the images without, those called so', specificity, CLASSES[:1], NO_NEGATIVE, short=True, even=True),
    f1=Rate('F1', 'harmonic mean of precision and recall', lambda tn, fp, fn, tp: ratio(2*tp, 2*tp + fp + fn), ((FP, TP), (FN, TP)),
            'no image is positive and none is called so', short=True),
    npv=Rate('NPV', 'of the images called no pneumonia, those that are', lambda tn, fp, fn, tp: ratio(tn, tn + fn), ((TN, FN),),
             'no image is called negative'),
    mcc=Rate('MCC', 'correlation of call and label, 0 is chance', correlation, CLASSES, no_correlation, least=-1))
OPTIMISTIC = 'its threshold was found on the images of the column, so it is optimistic'
RANKS = dict(
    auroc=Rank('AUROC', 'how often an image with pneumonia gets the higher probability of a pair',
               ranks.auroc, ranks.weighted_auroc, short=True),
    average_precision=Rank('average precision', 'area under precision and recall', ranks.average_precision,
                           ranks.weighted_average_precision, (1,), NO_POSITIVE, short=True),
    partial_auc=Rank('partial AUC', 'of the ROC up to 10% false alarms, scaled: 0.5 is chance',
                     ranks.partial_auc, ranks.weighted_partial_auc),
    **{f'sensitivity_at_{s}_specificity': Rank(
        f'sensitivity at {s}% specificity', OPTIMISTIC, partial(ranks.sensitivity_at_specificity, target=s/100),
        partial(ranks.weighted_sensitivity, target=s/100), (1,)) for s in FIXED},
    **{f'specificity_at_{s}_sensitivity': Rank(
        f'specificity at {s}% sensitivity', OPTIMISTIC, partial(ranks.specificity_at_sensitivity, target=s/100),
        partial(ranks.weighted_specificity, target=s/100), (0,)) for s in FIXED})
EVERY = ChainMap(RANKS, RATES)  # in the order of `RATES`, then of `RANKS`
METRICS = tuple(name for name, metric in EVERY.items() if metric.short)


def rates(tn, fp, fn, tp):
    "Every metric of `RATES`, as name -> array; counts are numbers or arrays of one shape, NaN stands where undefined."
    counts = [np.asarray(c, dtype=float) for c in (tn, fp, fn, tp)]
    return {name: metric.of(*counts) for name, metric in RATES.items()}


def halved(tn, fp, fn, tp):
    "The four counts as shares in which each class is one half; NaN for a class that is absent."
    return *(ratio(c, 2*(tn + fp)) for c in (tn, fp)), *(ratio(c, 2*(fn + tp)) for c in (fn, tp))


def predictive_values(sensitivity, specificity, prevalence):
    "`(ppv, npv)` where `prevalence` of the images are positive, by Bayes' rule; NaN where undefined, any shapes that broadcast."
    found, alarms = sensitivity*prevalence, (1 - specificity)*(1 - prevalence)
    missed, cleared = (1 - sensitivity)*prevalence, specificity*(1 - prevalence)
    return ratio(found, found + alarms), ratio(cleared, cleared + missed)


def _defined(value): return None if value is None or np.isnan(value) else float(value)


def value(name, y, p, threshold=0.5):
    "One metric of `EVERY`."
    y, p = checked(y, p)
    return _defined(EVERY[name].of(*np.array(confusion(y, p, threshold), dtype=float)) if name in RATES else EVERY[name].of(y, p))


def youden_threshold(y, p):
    """The threshold of `ranks.cuts` that maximises sensitivity + specificity - 1 (Youden 1950); None unless both classes occur.

    Of equally good thresholds the lowest is taken: the one that misses fewer positives.
    """
    y, p = checked(y, p)
    if not both_classes(y): return None
    thresholds, tp, fp = ranks.cuts(y, p)
    # J times (positives * negatives) is a whole number, so that ties are exact
    return float(thresholds[np.argmax(tp*(len(y) - y.sum()) - fp*y.sum())])


def measure(y, p, threshold=0.5):
    "n, prevalence, threshold, the four counts and every metric of `EVERY`, in that order."
    y, p = checked(y, p)
    counts = confusion(y, p, threshold)
    return dict(n=len(y), prevalence=float(y.mean()) if len(y) else None, threshold=float(threshold),
                **dict(zip(('tn', 'fp', 'fn', 'tp'), counts, strict=True)), **{k: _defined(v) for k, v in rates(*counts).items()},
                **{name: metric.of(y, p) for name, metric in RANKS.items()})
