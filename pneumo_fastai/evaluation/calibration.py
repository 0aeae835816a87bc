"How far probabilities mean what they say: calibration error, Brier score, log-loss, recalibration, and a reliability diagram's table."
import numpy as np

from . import calibrators
from .calibrators import log_loss, logit, sigmoid
from .intervals.bootstrap import stated
from .intervals.counts import NO_IMAGE, ONE_CLASS, checked, ratio
from .intervals.levels import of_losses

BINS = 10
SIMULATIONS = 200
SEPARATED = 'the probabilities separate the classes without error, or do not differ: no finite slope fits best'


def equal_width(p, bins=BINS):
    "The bin of each image [n]: [0, 1/bins), ..., the last one with 1."
    return np.minimum((np.asarray(p)*bins).astype(int), bins - 1)


def equal_mass(p, bins=BINS):
    "The bin of each image [n], as even in number as ties allow: equal probabilities share a bin."
    _, group, count = np.unique(p, return_inverse=True, return_counts=True)
    first = np.r_[0, count.cumsum()[:-1]]
    return ((first + (count - 1)/2)*bins/max(len(p), 1)).astype(int)[group]


def gaps(y, p, bin_of, bins=BINS):
    "`(n, mean probability, observed share)` of each bin, NaN in empty ones."
    n, total, positive = (np.bincount(bin_of, weights=v, minlength=bins) for v in (np.ones(len(p)), p, y))
    return n.astype(int), ratio(total, n), ratio(positive, n)


def calibration_error(y, p, bin_of, bins=BINS):
    "`(expected, maximum)` gap between mean probability and observed share over the bins that hold images (Naeini et al. 2015)."
    n, mean, observed = gaps(y, p, bin_of, bins)
    gap = np.abs(mean - observed)[n > 0]
    return float((gap*n[n > 0]).sum()/n.sum()), float(gap.max())


def table(y, p, bins=BINS, width=True):
    "A row a bin: low, high (of equal-width bins; else the range of its probabilities), n, mean_probability, observed; None if empty."
    bin_of = equal_width(p, bins) if width else equal_mass(p, bins)
    rows = []
    for b, (n, mean, observed) in enumerate(zip(*gaps(y, p, bin_of, bins), strict=True)):
        if not width and not n: continue
        low, high = (b/bins, (b + 1)/bins) if width else (float(p[bin_of == b].min()), float(p[bin_of == b].max()))
        shown = dict(mean_probability=float(mean), observed=float(observed)) if n else dict(mean_probability=None, observed=None)
        rows.append(dict(low=low, high=high, n=int(n), **shown))
    return rows


def brier_parts(y, p, bins=BINS):
    """brier, and its parts over equal-width bins: reliability - resolution + uncertainty + within_bins = brier (Murphy 1973).

    `within_bins` is what grouping leaves: variance of the probabilities within bins, less twice their covariance with the labels
    (Stephenson et al. 2008).
    """
    n, mean, observed = gaps(y, p, equal_width(p, bins), bins)
    share, base, some = n[n > 0]/n.sum(), y.mean(), n > 0
    parts = dict(reliability=(share*(mean - observed)[some]**2).sum(), resolution=(share*(observed[some] - base)**2).sum(),
                 uncertainty=base*(1 - base))
    brier = np.mean((p - y)**2)
    rest = brier - parts['reliability'] + parts['resolution'] - parts['uncertainty']
    return {k: float(v) for k, v in dict(brier=brier, **parts, within_bins=rest).items()}


def logistic(x, y, offset, steps=50):
    "Coefficients [k] of a logistic regression of y on the columns x [n, k], by Newton's steps."
    beta = np.zeros(x.shape[1])
    for _ in range(steps):
        p = sigmoid(x@beta + offset)
        step = np.linalg.solve((x.T*(p*(1 - p)))@x, x.T@(y - p))
        beta = beta + step*min(1, 5/np.abs(step).max()) if step.any() else beta
        if np.abs(step).max() < 1e-10: break
    return beta


def recalibrated(x, y, patient, offset=0.):
    "`(coefficients, their standard errors)`; the errors allow for several images of a patient (Liang and Zeger 1986)."
    beta = logistic(x, y, offset)
    p = sigmoid(x@beta + offset)
    _, code = np.unique(np.asarray(patient, dtype=str), return_inverse=True)
    scores = np.stack([np.bincount(code, weights=column*(y - p)) for column in x.T])
    inverse = np.linalg.inv((x.T*(p*(1 - p)))@x)
    return beta, np.sqrt(np.diag(inverse@(scores@scores.T)@inverse))


def _wald(value, error, patients):
    half = 1.959964*error if patients > 1 else None
    return stated(value, dict(low=half and float(value - half), high=half and float(value + half)), '')


def recalibration(y, p, patient):
    """slope and intercept of label on logit (Cox 1958), and in_the_large: the intercept with the slope fixed at 1. Perfect are 1, 0, 0.

    A slope below 1 is overconfidence; in_the_large below 0 are probabilities too high on the whole.
    """
    x, none, patients = logit(p), dict(low=None, high=None), len(set(patient))
    if not 0 < y.sum() < len(y): return {k: stated(None, none, ONE_CLASS) for k in ('slope', 'intercept', 'in_the_large')}
    large = recalibrated(np.ones((len(x), 1)), y, patient, offset=x)
    apart = x[y == 1].min() >= x[y == 0].max() or x[y == 1].max() <= x[y == 0].min()
    if apart: found = {k: stated(None, none, SEPARATED) for k in ('slope', 'intercept')}
    else:
        beta, error = recalibrated(np.stack([np.ones(len(x)), x], axis=1), y, patient)
        found = dict(slope=_wald(beta[1], error[1], patients), intercept=_wald(beta[0], error[0], patients))
    return dict(found, in_the_large=_wald(large[0][0], large[1][0], patients))


def likeness(y, p, patient):
    """How alike the labels of one patient are beyond what `p` says, from 0 (independent) to 1 (one draw for all images of the patient).

    The covariance of label and recalibrated probability, over all pairs of images of one patient, divided by what one draw u and
    label = (u < p) would give: min(p, q) - p q for a pair.
    """
    slope, shift = calibrators.logistic(y, p, (True, True))  # or probabilities that are too high would look alike
    p, (_, code) = sigmoid(slope*logit(p) + shift), np.unique(np.asarray(patient, dtype=str), return_inverse=True)
    def pairs(v): return (np.bincount(code, v)**2).sum() - (v**2).sum()  # twice their sum of products
    order = np.lexsort((-p, code))
    rank = np.arange(len(p)) - np.r_[0, np.bincount(code).cumsum()][code[order]]
    most = 2*(p[order]*rank).sum() - pairs(p)  # the least of a pair is the later one
    return float(np.clip(pairs(y - p)/most, 0, 1)) if most > 1e-12 else 0.


def chance_error(y, p, patient, seed, bins=BINS):
    """mean and high (95th percentile) of the equal-width ECE of labels drawn from `p` itself (Bröcker and Smith 2007), and likeness.

    It is what these images show of a model whose probabilities are perfect. In a share of `likeness` of the patients, drawn each time, one
    draw settles the labels of all images; those of the others are independent.
    """
    rng, bin_of, errors = np.random.default_rng(seed), equal_width(p, bins), []
    _, code = np.unique(np.asarray(patient, dtype=str), return_inverse=True)
    patients, alike = code.max() + 1, likeness(y, p, patient)
    for _ in range(SIMULATIONS):
        together = (rng.random(patients) < alike)[code]
        drawn = np.where(together, rng.random(patients)[code], rng.random(len(p))) < p
        errors.append(np.abs(np.bincount(bin_of, p - drawn)).sum()/len(p))
    return dict(mean=float(np.mean(errors)), high=float(np.quantile(errors, .95)), likeness=alike)


def calibration_measures(
    rows,  # columns patient, label, probability
    seed=0, bins=BINS,
):
    """n, bins, ece, ece_equal_mass, mce, ece_of_a_perfect_model, brier and its parts, log_loss, slope, intercept, in_the_large, tables.

    Probabilities are those of pneumonia, not of the class called. ece and mce are biased upwards in few images, which no interval of
    a bootstrap mends: compare ece with that of a perfect model.
    """
    y, p = checked(rows['label'], rows['probability'])
    if not len(y): return dict(n=0, reason=f'not defined, because {NO_IMAGE}')
    parts, losses = brier_parts(y, p, bins), log_loss(y, p)
    intervals = of_losses(rows['patient'], dict(brier=(p - y)**2, log_loss=losses))
    ece, mce = calibration_error(y, p, equal_width(p, bins), bins)
    return dict(n=len(y), bins=bins, ece=ece, ece_equal_mass=calibration_error(y, p, equal_mass(p, bins), bins)[0], mce=mce,
                ece_of_a_perfect_model=chance_error(y, p, rows['patient'], seed, bins),
                **dict(parts, brier=stated(parts['brier'], intervals['brier'], '')),
                log_loss=stated(losses.mean(), intervals['log_loss'], ''), **recalibration(y, p, rows['patient']),
                table=table(y, p, bins), table_equal_mass=table(y, p, bins, width=False))
