"""Probabilities that mean what they say: calibrators fitted on valid, kept as plain JSON. `apply` needs numpy alone.

A calibrator is a mapping: {method: none}, {method: temperature, temperature}, {method: prior_shift, log_odds}, or
{method: isotonic, x, y}. Each is monotone: none puts two images in another order, though isotonic may make them equal, so an image is
called by its probability before calibration.
"""
import numpy as np

from ..errors import InputError

METHODS = ('none', 'prior_shift', 'temperature', 'isotonic')  # of two that do equally well the first is kept
EPS = 1e-7   # float32 knows no probability nearer to 1
FOLDS = 5
TEMPERATURES = 0.05, 20.  # where one is looked for


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
    p, method = np.asarray(p, dtype=float), calibrator.get('method')
    if method == 'none': return p.copy()
    if method == 'temperature': return sigmoid(logit(p)/calibrator['temperature'])
    if method == 'prior_shift': return sigmoid(logit(p) - calibrator['log_odds'])
    if method == 'isotonic': return np.interp(p, calibrator['x'], calibrator['y'])
    raise InputError(f'the calibrator has the method {method!r}; there are {", ".join(METHODS)}')


def temperature(y, p):
    "One number the logits are divided by, of least log-loss within `TEMPERATURES` (Guo et al. 2017)."
    from scipy.optimize import minimize_scalar
    x = logit(p)
    found = minimize_scalar(lambda t: log_loss(y, sigmoid(x/np.exp(t))).mean(), bounds=np.log(TEMPERATURES), method='bounded',
                            options=dict(xatol=1e-6))
    return dict(method='temperature', temperature=float(np.exp(found.x)))


def prior_shift(class_weights):
    """Takes back what class weights, or drawing the classes at such rates, added to the log-odds: log(w1/w0), w = (negatives', positives').

    After King and Zeng (2001) and Saerens et al. (2002). Nothing is fitted: the weights of training say it.
    """
    negative, positive = class_weights
    if not (negative > 0 and positive > 0): raise InputError(f'class weights are {class_weights}; give two numbers above 0')
    return dict(method='prior_shift', log_odds=float(np.log(positive/negative)))


def isotonic(y, p):
    """The non-decreasing steps of least squared error (Zadrozny and Elkan 2002), joined by lines.

    They are kept within 1/(n + 2) of 0 and 1: n images are no ground for saying never or always.
    """
    from sklearn.isotonic import IsotonicRegression
    found = IsotonicRegression(y_min=1/(len(p) + 2), y_max=1 - 1/(len(p) + 2)).fit(p, y)
    return dict(method='isotonic', x=found.X_thresholds_.tolist(), y=found.y_thresholds_.tolist())


def fit(method, y, p, class_weights=None):
    "The calibrator of that method; `class_weights` are needed by prior_shift alone."
    if method == 'none': return dict(method='none')
    if method == 'prior_shift': return prior_shift(class_weights)
    if method not in METHODS: raise InputError(f'the method {method!r} is unknown; there are {", ".join(METHODS)}')
    return dict(temperature=temperature, isotonic=isotonic)[method](np.asarray(y), np.asarray(p, dtype=float))


def person_folds(y, person, folds, seed):
    "A fold for each image [n], no person in two, persons with a positive spread evenly; None where a class has fewer than two persons."
    _, code = np.unique(np.asarray(person, dtype=str), return_inverse=True)
    y = np.asarray(y)
    positive, negative = (np.bincount(code, weights=y == c) > 0 for c in (1, 0))
    folds = min(folds, positive.sum(), negative.sum())
    if folds < 2: return None
    order = np.random.default_rng(seed).permutation(len(positive))
    order = np.r_[order[positive[order]], order[~positive[order]]]
    fold = np.empty(len(order), dtype=int)
    fold[order] = np.arange(len(order)) % folds
    return fold[code]


def cross_validated(method, y, p, fold, class_weights=None):
    "Mean log-loss of the images, each calibrated by what the other folds teach."
    out = np.empty(len(p))
    for k in np.unique(fold):
        held = fold == k
        out[held] = log_loss(y[held], apply(fit(method, y[~held], p[~held], class_weights), p[held]))
    return float(out.mean())


def choose_calibrator(
    y, p, person,        # of valid
    class_weights=None,  # of negatives and of positives in training; None for none
    folds=FOLDS,
    seed=0,
):
    """chosen (a calibrator), log_loss (cross-validated, by method), candidates (each method's calibrator), left_out (reason by method).

    The method of least cross-validated log-loss, folds by person, fitted once more on all of valid.
    """
    y, p = np.asarray(y).astype(int), np.asarray(p, dtype=float)
    left_out = {} if class_weights else dict(prior_shift='no class weights: training left the prevalence as it was')
    fold = person_folds(y, person, folds, seed)
    if fold is None:
        left_out |= {m: 'not defined, because on valid a class has fewer than two persons' for m in METHODS if m != 'none'}
        return dict(chosen=dict(method='none'), folds=None, log_loss={}, candidates=dict(none=dict(method='none')), left_out=left_out)
    methods = [m for m in METHODS if m not in left_out]
    losses = {m: cross_validated(m, y, p, fold, class_weights) for m in methods}
    candidates = {m: fit(m, y, p, class_weights) for m in methods}
    return dict(chosen=candidates[min(methods, key=losses.get)], folds=int(fold.max()) + 1, log_loss=losses, candidates=candidates,
                left_out=left_out)
