"""Probabilities that mean what they say: calibrators fitted on valid, kept as plain JSON. `apply` needs numpy alone.

A calibrator is a mapping with its method, one of `METHODS` or `COMPOSED`, and what that needs: {method: temperature, temperature: 1.8}.
Each is monotone: none puts two images in another order, though isotonic may make them equal, so an image is called by its probability
before calibration.
"""
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..errors import InputError

EPS = 1e-7   # float32 knows no probability nearer to 1
FOLDS = 5
LEAST = .05  # slope of the logit: at 0 all images would be equal, below they would change their order


def logit(p):
    "log(p/(1 - p)), p being moved to `EPS` from 0 and 1."
    p = np.clip(np.asarray(p, dtype=float), EPS, 1 - EPS)
    return np.log(p) - np.log1p(-p)


def sigmoid(x): return 1/(1 + np.exp(-x))


def log_loss(y, p):
    "Negative log-likelihood of each image [n], in nats, p being moved to `EPS` from 0 and 1."
    p = np.clip(p, EPS, 1 - EPS)
    return -np.where(np.asarray(y) == 1, np.log(p), np.log1p(-p))


def apply(
    calibrator,  # as `choose_calibrator` or `fit` returns it, also after a way through JSON
    p,           # probabilities, any shape
):
    "The calibrated probabilities, of the shape of `p`; `InputError` for a method that does not exist."
    return known(calibrator.get('method')).apply(calibrator, np.asarray(p, dtype=float))


def known(method):
    "The entry of `METHODS` or `COMPOSED`."
    there = METHODS | COMPOSED
    if method not in there: raise InputError(f'the method {method!r} of calibration is unknown; there are {", ".join(there)}')
    return there[method]


def smoothed(y):
    """The targets of Platt (1999): (n1 + 1)/(n1 + 2) for positives and 1/(n0 + 2) for negatives, where there are n1 and n0 of them.

    n images are no ground for saying never or always: on labels as they are, classes that valid separates by chance sharpen without end.
    """
    positives, negatives = (y == 1).sum(), (y == 0).sum()
    return np.where(y == 1, (positives + 1)/(positives + 2), 1/(negatives + 2))


def logistic(
    y, p,
    free,  # which of slope and intercept are fitted; the others stay 1 and 0
):
    "`(slope, intercept)` of the label on the logit, of least log-loss on `smoothed` labels; the slope is at least `LEAST`."
    from scipy.optimize import minimize
    x, target = np.stack([logit(p), np.ones(len(p))]), smoothed(y)
    free, line = np.array(free), np.array([1., 0.])

    def loss(values):
        line[free] = values
        z = line@x
        return (np.logaddexp(0, z) - target*z).mean(), (x@(sigmoid(z) - target))[free]/len(p)
    bounds = np.array([(LEAST, np.inf), (-np.inf, np.inf)])[free]
    line[free] = minimize(loss, line[free], jac=True, method='L-BFGS-B', bounds=bounds, options=dict(ftol=1e-14, gtol=1e-9)).x
    return line.tolist()


def temperature(y, p):
    "One number the logits are divided by (Guo et al. 2017)."
    return dict(temperature=1/logistic(y, p, (True, False))[0])


def intercept(y, p):
    "One number added to the logits: calibration in the large (Cox 1958)."
    return dict(intercept=logistic(y, p, (False, True))[1])


def platt(y, p):
    "Logistic regression of the label on the logit (Platt 1999)."
    return dict(zip(('slope', 'intercept'), logistic(y, p, (True, True)), strict=True))


def prior_shift(class_weights):
    """Takes back what class weights, or drawing the classes at such rates, added to the log-odds: log(w1/w0), w = (negatives', positives').

    After King and Zeng (2001) and Saerens et al. (2002). Nothing is fitted: the weights of training say it.
    """
    negative, positive = class_weights
    if not (negative > 0 and positive > 0): raise InputError(f'class weights are {class_weights}; give two numbers above 0')
    return dict(log_odds=float(np.log(positive/negative)))


def isotonic(y, p):
    "The non-decreasing steps of least squared error (Zadrozny and Elkan 2002) through `smoothed` labels, joined by lines."
    from sklearn.isotonic import IsotonicRegression
    found = IsotonicRegression().fit(p, smoothed(y))
    return dict(x=found.X_thresholds_.tolist(), y=found.y_thresholds_.tolist())


@dataclass(frozen=True)
class Method:
    words:str     # what it does, for whoever reads the report
    fit:object    # of y, p and class weights to the numbers
    apply:object  # of the numbers, p


METHODS = dict(  # of two that do equally well the first is kept
    none=Method('as the network gives them', lambda y, p, w: {}, lambda c, p: p.copy()),
    prior_shift=Method('what class weights added to the log-odds is taken back; nothing is fitted', lambda y, p, w: prior_shift(w),
                       lambda c, p: sigmoid(logit(p) - c['log_odds'])),
    intercept=Method('one number added to the log-odds', lambda y, p, w: intercept(y, p), lambda c, p: sigmoid(logit(p) + c['intercept'])),
    temperature=Method('log-odds divided by one number', lambda y, p, w: temperature(y, p),
                       lambda c, p: sigmoid(logit(p)/c['temperature'])),
    platt=Method('log-odds times a slope, plus an intercept', lambda y, p, w: platt(y, p),
                 lambda c, p: sigmoid(c['slope']*logit(p) + c['intercept'])),
    isotonic=Method('non-decreasing steps', lambda y, p, w: isotonic(y, p), lambda c, p: np.interp(p, c['x'], c['y'])))
COMPOSED = dict(  # what is made of another calibrator, `of`: `adaptation` does so
    shifted=Method('the run\u2019s own calibrator, and one number added to its log-odds for another prevalence', None,
                   lambda c, p: sigmoid(logit(apply(c['of'], p)) + c['log_odds'])))


def fit(method, y, p, class_weights=None):
    "The calibrator of that method; `class_weights` are needed by prior_shift alone."
    return dict(method=method, **known(method).fit(np.asarray(y), np.asarray(p, dtype=float), class_weights))


FLAT = ('on valid a higher probability hardly goes with more pneumonia, or goes with less: a slope below 0 would turn the order of the '
        'images round')


def flat(calibrator): return min(calibrator.get('slope', 1), 1/calibrator.get('temperature', 1)) < LEAST*(1 + 1e-6)


def patient_folds(y, patient, folds, seed):
    "A fold for each image [n], no patient in two, patients with a positive spread evenly; None where a class has fewer than two patients."
    _, code = np.unique(np.asarray(patient, dtype=str), return_inverse=True)
    y = np.asarray(y)
    positive, negative = (np.bincount(code, weights=y == c) > 0 for c in (1, 0))
    folds = min(folds, positive.sum(), negative.sum())
    if folds < 2: return None
    order = np.random.default_rng(seed).permutation(len(positive))
    order = np.r_[order[positive[order]], order[~positive[order]]]
    fold = np.empty(len(order), dtype=int)
    fold[order] = np.arange(len(order)) % folds
    return fold[code]


def held_out(
    fitted,  # of labels and probabilities to a calibrator
    y, p, fold,
):
    "Log-loss of each image [n], calibrated by what the other folds teach."
    out = np.empty(len(p))
    for k in np.unique(fold):
        held = fold == k
        out[held] = log_loss(y[held], apply(fitted(y[~held], p[~held]), p[held]))
    return out


def choose_calibrator(
    y, p, patient,        # of valid
    class_weights=None,  # of negatives and of positives in training; None for none
    folds=FOLDS,
    seed=0,
):
    """chosen (a calibrator), log_loss (cross-validated, by method), candidates (each method's calibrator), left_out (reason by method).

    The method of least cross-validated log-loss, folds by patient, fitted once more on all of valid.
    """
    y, p = np.asarray(y).astype(int), np.asarray(p, dtype=float)
    left_out = {} if class_weights else dict(prior_shift='no class weights: training left the prevalence as it was')
    fold = patient_folds(y, patient, folds, seed)
    if fold is None:
        left_out |= {m: 'not defined, because on valid a class has fewer than two patients' for m in METHODS if m != 'none'}
        return dict(chosen=dict(method='none'), folds=None, log_loss={}, candidates=dict(none=dict(method='none')), left_out=left_out)
    candidates = {m: fit(m, y, p, class_weights) for m in METHODS if m not in left_out}
    left_out |= {m: FLAT for m, found in candidates.items() if flat(found)}
    candidates = {m: found for m, found in candidates.items() if m not in left_out}
    losses = {m: float(held_out(partial(fit, m, class_weights=class_weights), y, p, fold).mean()) for m in candidates}
    return dict(chosen=candidates[min(losses, key=losses.get)], folds=int(fold.max()) + 1, log_loss=losses, candidates=candidates,
                left_out=left_out)
