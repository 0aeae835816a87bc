"What a set of predictions is worth: pure functions on labels and probabilities. An undefined value is None, never NaN, never a warning."
import numpy as np

from ..errors import InputError

METRICS = ('accuracy', 'balanced_accuracy', 'precision', 'recall', 'specificity', 'f1', 'auroc', 'average_precision')  # the short table
RATES = (*METRICS[:6], 'npv', 'mcc')  # what follows from the four counts
FIXED = (90, 95)  # per cent
RANKS = ('auroc', 'average_precision', 'partial_auc', *(f'sensitivity_at_{s}_specificity' for s in FIXED),
         *(f'specificity_at_{s}_sensitivity' for s in FIXED))  # what needs no threshold
EVERY = (*RATES, *RANKS)
FALSE_ALARMS = 0.1  # the partial AUC goes up to this false positive rate


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
                recall=recall, specificity=specificity, f1=ratio(2*tp, 2*tp + fp + fn), npv=ratio(tn, tn + fn),
                mcc=ratio(tp*tn - fp*fn, np.sqrt((tp + fp)*(tp + fn)*(tn + fp)*(tn + fn))))


def halved(tn, fp, fn, tp):
    "The four counts as shares in which each class is one half; NaN for a class that is absent."
    return *(ratio(c, 2*(tn + fp)) for c in (tn, fp)), *(ratio(c, 2*(fn + tp)) for c in (fn, tp))


def predictive_values(sensitivity, specificity, prevalence):
    "`(ppv, npv)` where `prevalence` of the images are positive, by Bayes' rule; NaN where undefined, any shapes that broadcast."
    found, alarms = sensitivity*prevalence, (1 - specificity)*(1 - prevalence)
    missed, cleared = (1 - sensitivity)*prevalence, specificity*(1 - prevalence)
    return ratio(found, found + alarms), ratio(cleared, cleared + missed)


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


def npv(y, p, threshold=0.5):
    "Share of negative calls that are right (negative predictive value); None where nothing is called negative."
    return _rate('npv', y, p, threshold)


def mcc(y, p, threshold=0.5):
    "Matthews' correlation of label and call (Matthews 1975); None where labels or calls are all of one class."
    return _rate('mcc', y, p, threshold)


def both_classes(y): return 0 < np.sum(y) < len(y)


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


def youden_threshold(y, p):
    """The threshold of `cuts` that maximises sensitivity + specificity - 1 (Youden 1950); None unless both classes occur.

    Of equally good thresholds the lowest is taken: the one that misses fewer positives.
    """
    y, p = checked(y, p)
    if not both_classes(y): return None
    thresholds, tp, fp = cuts(y, p)
    # J times (positives * negatives) is a whole number, so that ties are exact
    return float(thresholds[np.argmax(tp*(len(y) - y.sum()) - fp*y.sum())])


def ranks(y, p):
    "Every metric of `RANKS`, None where undefined."
    return dict(auroc=auroc(y, p), average_precision=average_precision(y, p), partial_auc=partial_auc(y, p),
                **{f'sensitivity_at_{s}_specificity': sensitivity_at_specificity(y, p, s/100) for s in FIXED},
                **{f'specificity_at_{s}_sensitivity': specificity_at_sensitivity(y, p, s/100) for s in FIXED})


def measure(y, p, threshold=0.5):
    "n, prevalence, threshold, the four counts and every metric of `EVERY`, in that order."
    y, p = checked(y, p)
    counts = confusion(y, p, threshold)
    return dict(n=len(y), prevalence=float(y.mean()) if len(y) else None, threshold=float(threshold),
                **dict(zip(('tn', 'fp', 'fn', 'tp'), counts, strict=True)), **{k: _defined(v) for k, v in rates(*counts).items()},
                **ranks(y, p))
