"What a set of predictions is worth: pure functions on labels and probabilities. An undefined value is None, never NaN, never a warning."
import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from ..errors import InputError

RATES = ('accuracy', 'balanced_accuracy', 'precision', 'recall', 'specificity', 'f1')
METRICS = (*RATES, 'auroc', 'average_precision')


def _numbers(values, name):
    try: return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as e: raise InputError(f'{name} holds something that is not a number ({e}); give numbers') from e


def checked(y, p):
    "`y` as int64 [n] and `p` as float64 [n]; `InputError` for lengths that differ, labels not 0 or 1, probabilities outside [0, 1]."
    y, p = _numbers(y, 'the label'), _numbers(p, 'the probability')
    if y.ndim != 1 or y.shape != p.shape:
        raise InputError(f'labels have shape {y.shape} and probabilities {p.shape}; give two lists of one length')
    if (bad := ~np.isin(y, (0, 1))).any():
        raise InputError(f'{bad.sum()} of {len(y)} labels are not 0 or 1, the first is {y[bad][0]}; give 1 for pneumonia, else 0')
    if (bad := ~((p >= 0) & (p <= 1))).any():
        raise InputError(f'{bad.sum()} of {len(p)} probabilities are not in [0, 1], the first is {p[bad][0]}; apply a softmax')
    return y.astype(int), p


def confusion(y, p, threshold=0.5):
    "`(tn, fp, fn, tp)`; an image is called positive when `p >= threshold`."
    y, p = checked(y, p)
    return tuple(int(n) for n in np.bincount(2*y + (p >= threshold), minlength=4))


def ratio(a, b):
    "`a / b`, NaN where `b` is 0."
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return np.divide(a, b, out=np.full(np.broadcast(a, b).shape, np.nan), where=b != 0)


def rates(tn, fp, fn, tp):
    "What follows from the four counts, as name -> array; counts are numbers or arrays of one shape, NaN stands where undefined."
    tn, fp, fn, tp = (np.asarray(c, dtype=float) for c in (tn, fp, fn, tp))
    recall, specificity = ratio(tp, tp + fn), ratio(tn, tn + fp)
    return dict(accuracy=ratio(tn + tp, tn + fp + fn + tp), balanced_accuracy=(recall + specificity)/2, precision=ratio(tp, tp + fp),
                recall=recall, specificity=specificity, f1=ratio(2*tp, 2*tp + fp + fn))


def _defined(value): return None if np.isnan(value) else float(value)


def _rate(name, y, p, threshold): return _defined(rates(*confusion(y, p, threshold))[name])


def accuracy(y, p, threshold=0.5):
    "Share of images called rightly; None for no images."
    return _rate('accuracy', y, p, threshold)


def balanced_accuracy(y, p, threshold=0.5):
    "Mean of recall and specificity; None unless both classes occur."
    return _rate('balanced_accuracy', y, p, threshold)


def precision(y, p, threshold=0.5):
    "Share of positive calls that are right (positive predictive value); None where nothing is called positive."
    return _rate('precision', y, p, threshold)


def recall(y, p, threshold=0.5):
    "Share of positives called positive (sensitivity); None where there is no positive."
    return _rate('recall', y, p, threshold)


def specificity(y, p, threshold=0.5):
    "Share of negatives called negative; None where there is no negative."
    return _rate('specificity', y, p, threshold)


def f1(y, p, threshold=0.5):
    "2 tp / (2 tp + fp + fn); None where there is no positive and none is called so."
    return _rate('f1', y, p, threshold)


def auroc(y, p):
    "Area under the ROC curve, ties counting half; None unless both classes occur."
    y, p = checked(y, p)
    return float(roc_auc_score(y, p)) if 0 < y.sum() < len(y) else None


def average_precision(y, p):
    "Sum of precision over the steps in recall, without interpolation; None where there is no positive."
    y, p = checked(y, p)
    return float(average_precision_score(y, p)) if y.any() else None


def youden_threshold(y, p):
    """The threshold that maximises sensitivity + specificity - 1 (Youden 1950); None unless both classes occur.

    It lies midway between two neighbouring scores (or 0 and the lowest), so `p >= t` calls the same after the scores were rounded.
    Of equally good thresholds the lowest is taken: the one that misses fewer positives.
    """
    y, p = checked(y, p)
    if not 0 < y.sum() < len(y): return None
    scores, group = np.unique(p, return_inverse=True)
    pos, neg = np.bincount(group, weights=y).astype(int), np.bincount(group, weights=1 - y).astype(int)
    # calls at scores[i] and above; J times (positives * negatives) is a whole number, so that ties are exact
    tp, fp = pos[::-1].cumsum()[::-1], neg[::-1].cumsum()[::-1]
    best = int(np.argmax(tp*neg.sum() - fp*pos.sum()))
    below = scores[best - 1] if best else 0.
    middle = (below + scores[best])/2
    return float(middle if middle > below else scores[best])  # two neighbouring floats have no number between them


def measure(y, p, threshold=0.5):
    "n, prevalence, threshold, the four counts and every metric of `METRICS`, in that order."
    y, p = checked(y, p)
    counts = confusion(y, p, threshold)
    return dict(n=len(y), prevalence=float(y.mean()) if len(y) else None, threshold=float(threshold),
                **dict(zip(('tn', 'fp', 'fn', 'tp'), counts, strict=True)), **{k: _defined(v) for k, v in rates(*counts).items()},
                auroc=auroc(y, p), average_precision=average_precision(y, p))
