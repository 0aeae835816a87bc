"""What needs no threshold, twice: of labels and probabilities, and `weighted_...` of weights, as `bootstrap.by_score` adds them up.

An undefined value is None, of weights NaN.
"""
import numpy as np

from .counts import both_classes, checked, ratio

FALSE_ALARMS = 0.1  # the partial AUC goes up to this false positive rate


def most(n, target):
    "The most errors among `n` that leave a rate of `target`; 1e-9 is for products such as 0.1*10 that floats put below their value."
    return np.floor((1 - target)*n + 1e-9)


def cuts(y, p):
    """Every way to cut the scores, `(thresholds, tp, fp)`, from all called positive to none.

    A threshold lies midway between two neighbouring scores (0 below the lowest, 1 above the highest), so `p >= t` calls the same
    after the scores were rounded. Where the highest is 1, the number after 1 calls none.
    """
    scores, group = np.unique(p, return_inverse=True)
    pos, neg = (np.bincount(group, weights=c, minlength=len(scores)).astype(int) for c in (y, 1 - y))
    tp, fp = (np.r_[c[::-1].cumsum()[::-1], 0] for c in (pos, neg))
    below, above = np.r_[0., scores], np.r_[scores, 1. if scores[-1] < 1 else np.nextafter(1, 2)]
    middle = (below + above)/2
    return np.where(middle > below, middle, above), tp, fp  # two neighbouring floats have no number between them


def auroc(y, p):
    "Area under the ROC curve, ties counting half; None unless both classes occur."
    from sklearn.metrics import roc_auc_score
    y, p = checked(y, p)
    return float(roc_auc_score(y, p)) if both_classes(y) else None


def partial_auc(y, p):
    "Area up to a false positive rate of `FALSE_ALARMS`, scaled so that 0.5 is chance and 1 the best (McClish 1989); None as for `auroc`."
    from sklearn.metrics import roc_auc_score
    y, p = checked(y, p)
    return float(roc_auc_score(y, p, max_fpr=FALSE_ALARMS)) if both_classes(y) else None


def average_precision(y, p):
    "Sum of precision over the steps in recall, without interpolation; None where there is no positive."
    from sklearn.metrics import average_precision_score
    y, p = checked(y, p)
    return float(average_precision_score(y, p)) if y.any() else None


def sensitivity_at_specificity(y, p, target):
    "Highest sensitivity of the thresholds at which specificity is `target` or more, on these very images; None unless both classes occur."
    y, p = checked(y, p)
    if not both_classes(y): return None
    _, tp, fp = cuts(y, p)
    return float(tp[fp <= most(len(y) - y.sum(), target)].max()/y.sum())


def specificity_at_sensitivity(y, p, target):
    "Highest specificity of the thresholds at which sensitivity is `target` or more, on these very images; None unless both classes occur."
    y, p = checked(y, p)
    if not both_classes(y): return None
    _, tp, fp = cuts(y, p)
    return float(1 - fp[y.sum() - tp <= most(y.sum(), target)].min()/(len(y) - y.sum()))


def weighted_auroc(pos, neg, tp, fp):
    "AUROC [k] from what `by_score` gives; NaN unless both classes have weight."
    return ratio(np.einsum('ks,ks->k', tp - pos/2, neg), tp[:, -1]*fp[:, -1])


def weighted_average_precision(pos, neg, tp, fp):
    "Average precision [k] from what `by_score` gives; NaN where no positive has weight."
    called = tp + fp
    called[called == 0] = 1  # the scores above the first that has weight: no positive is among them
    return ratio(np.einsum('ks,ks->k', pos, tp/called), tp[:, -1])


def weighted_partial_auc(pos, neg, tp, fp):
    "Partial AUC [k]: trapezoids up to a false positive rate of `FALSE_ALARMS`, the last one cut there, scaled as McClish (1989) does."
    limit, pairs = FALSE_ALARMS*fp[:, -1:], tp[:, -1]*fp[:, -1]
    end = 1 + max(np.searchsorted(row, x) for row, x in zip(fp, limit[:, 0], strict=True))  # no trapezoid beyond counts
    pos, neg, tp, fp = (v[:, :end] for v in (pos, neg, tp, fp))
    width = np.clip(limit - (fp - neg), 0, neg)
    height = tp - pos + pos*np.divide(width, 2*neg, out=np.zeros_like(neg), where=neg > 0)
    chance = FALSE_ALARMS**2/2
    return (1 + (ratio(np.einsum('ks,ks->k', width, height), pairs) - chance)/(FALSE_ALARMS - chance))/2


def weighted_sensitivity(pos, neg, tp, fp, target):
    "Sensitivity [k] at a specificity of `target`, at the best threshold of each row of weights."
    negatives = fp[:, -1]
    at = [np.searchsorted(row, n, side='right') for row, n in zip(fp, most(negatives, target), strict=True)]
    found = np.where(np.equal(at, 0), 0, tp[np.arange(len(tp)), np.maximum(at, 1) - 1])
    return ratio(found, tp[:, -1]*(negatives > 0))


def weighted_specificity(pos, neg, tp, fp, target):
    "Specificity [k] at a sensitivity of `target`, at the best threshold of each row of weights."
    positives, negatives = tp[:, -1], fp[:, -1]
    at = [np.searchsorted(row, n) for row, n in zip(tp, positives - most(positives, target), strict=True)]
    return ratio(negatives - fp[np.arange(len(fp)), at], negatives*(positives > 0))
