"""What some labelled patients of another place are worth to a model that is not trained again: another calibrator and another threshold.

`own` is what the run chose on its own valid: threshold, calibrator, and prevalence, which its calibrated probabilities hold for.
"""
from functools import partial

import numpy as np

from ..errors import InputError
from .calibration import calibration_error, equal_width
from .calibrators import FLAT, FOLDS, METHODS, apply, fit, flat, held_out, log_loss, patient_folds
from .prevalence import shift
from .thresholds import choose, expected_cost

FITTED = 'temperature', 'platt', 'isotonic'  # to the network's own probabilities
WORDS = dict(own='the run\u2019s own calibrator, as it is',
             prevalence='the same, and one number added to its log-odds: for the prevalence here',
             **{name: METHODS[name].words for name in FITTED})
LEAST = 10  # patients of a class to begin with, and patients that are left to measure on


def own_of(metrics):
    "`own` of a run's metrics.json."
    return dict(threshold=metrics['threshold']['value'], rule=metrics['threshold']['rule'],
                calibrator=metrics['calibration']['chosen'], prevalence=metrics['valid']['prevalence'])


def shifted(own, new): return dict(method='shifted', of=own['calibrator'], log_odds=shift(own['prevalence'], new))


def ways(own):
    "By name of `WORDS` what makes a calibrator of labels and the network's probabilities."
    return dict(own=lambda y, p: own['calibrator'], prevalence=lambda y, p: shifted(own, y.mean()), **{m: partial(fit, m) for m in FITTED})


def choose_recalibrator(
    y, p, patient,  # of the patients that are given
    own,
    seed=0,
):
    """chosen, log_loss, candidates and left_out as `choose_calibrator` says, folds by patient; and kept, a name of `WORDS`. The run's own
    calibrator is one of them: it stays where a class has fewer than two patients, and unless another's log-loss is `clearly` less."""
    y, p = np.asarray(y).astype(int), np.asarray(p, dtype=float)
    if (fold := patient_folds(y, patient, FOLDS, seed)) is None:
        why = dict.fromkeys([name for name in WORDS if name != 'own'], 'not defined, because a class has fewer than two patients')
        return dict(chosen=own['calibrator'], kept='own', folds=None, log_loss={}, candidates=dict(own=own['calibrator']), left_out=why)
    made = {name: fitted(y, p) for name, fitted in ways(own).items()}
    left_out = {name: FLAT for name, found in made.items() if name in FITTED and flat(found)}
    losses = {name: held_out(fitted, y, p, fold) for name, fitted in ways(own).items() if name not in left_out}
    best = min(losses, key=lambda name: losses[name].mean())
    kept = best if clearly(losses[best] - losses['own'], patient) else 'own'
    return dict(chosen=made[kept], kept=kept, folds=int(fold.max()) + 1, log_loss={k: float(v.mean()) for k, v in losses.items()},
                candidates={k: made[k] for k in losses}, left_out=left_out)


def clearly(less, patient):
    """Whether the mean of differences [n] is below 0 by more than its standard error over patients (the one standard error rule, Breiman
    et al. 1984): the least of several noisy numbers is mostly not that of the run's own calibrator, though nothing be wrong with it."""
    _, code = np.unique(np.asarray(patient, dtype=str), return_inverse=True)
    error = np.sqrt((np.bincount(code, weights=less - less.mean())**2).sum())/len(less)
    return bool(less.mean() < -error)


def threshold_of(y, p, own, choices):
    "By the rule of `choices` on these images; where it has no answer there, the run's own."
    found = choose(y, p, choices.rule, choices)[0]
    return own['threshold'] if found is None else found


def off(
    sensitivity, specificity,
    choices,     # a `Settings`, whose rule says what was aimed at
    prevalence,  # of cost alone
):
    "How far from the aim, 0 being best: from the stated sensitivity or specificity; Youden's index from 1; the expected cost."
    if choices.rule == 'youden': return 2 - sensitivity - specificity
    if choices.rule == 'cost': return expected_cost(sensitivity, specificity, choices.miss, choices.alarm, prevalence)
    return abs(dict(sensitivity=sensitivity, specificity=specificity)[choices.rule] - getattr(choices, choices.rule))


def measured(y, p, calibrator, threshold, choices):
    "log_loss, ece (equal width), sensitivity, specificity and `off` of images of both classes."
    q, called = apply(calibrator, p), p >= threshold
    sensitivity, specificity = float(called[y == 1].mean()), float(1 - called[y == 0].mean())
    return dict(log_loss=float(log_loss(y, q).mean()), ece=calibration_error(y, q, equal_width(q))[0], sensitivity=sensitivity,
                specificity=specificity, off=float(off(sensitivity, specificity, choices, choices.cost_prevalence(y))))


def drawn(
    patient,  # whose image each row is [n]
    y,
    n, seed,  # so many patients; a number or several
):
    "Whether each image is of one of `n` patients that are drawn by chance [n], such that images of both classes are left."
    names, code = np.unique(np.asarray(patient, dtype=str), return_inverse=True)
    rng = np.random.default_rng(seed)
    while True:
        inside = np.isin(code, rng.permutation(len(names))[:n])
        if len(np.unique(y[~inside])) == 2: return inside


def check_enough(patient, y, n, where, option='patients'):
    "`InputError` unless there are `n` patients, which `option` gave, and `LEAST` more, and `LEAST` with images of each class."
    patient, y = np.asarray(patient, dtype=str), np.asarray(y)
    patients = len(np.unique(patient))
    for c, name in ((1, 'with'), (0, 'without')):
        if (k := len(np.unique(patient[y == c]))) < LEAST:
            raise InputError(f'{where} has {k} patients {name} pneumonia that the model has not seen; give {LEAST} or more')
    if n > patients - LEAST:
        raise InputError(f'{where} has {patients} patients that the model has not seen, too few for {n} and {LEAST} more to measure on; '
                         f'give --{option} {patients//2}, or more patients')
    if n < LEAST: raise InputError(f'{option} is {n}; give {LEAST} or more')
