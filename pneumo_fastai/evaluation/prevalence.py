"""Probabilities at another prevalence than that of the images they were calibrated on.

Both ways suppose that the prevalence alone differs (label shift): that a sick patient's radiograph looks alike in both places, and a
healthy one's too. Between hospitals that is seldom so. Probabilities have to be calibrated before (Alexandari et al. 2020).
"""
import numpy as np

from .calibrators import EPS, logit, sigmoid

STEPS, NEAR = 10_000, 1e-10  # at most so many; a step of less is the last one


def shift(old, new): return float(logit(new) - logit(old))  # of the log-odds, from one prevalence to another


def corrected(
    p,         # calibrated probabilities
    old, new,  # the prevalence they hold for, and that here
):
    "The probabilities by Bayes' rule at the prevalence `new`; of the shape of `p`."
    return sigmoid(logit(p) + shift(old, new))


def saerens(
    p,    # calibrated probabilities [n], whose labels nobody knows
    old,  # the prevalence they hold for
):
    "`(prevalence, corrected p)`: the prevalence under which these images are likeliest, by expectation-maximisation (Saerens et al. 2002)."
    p, new = np.clip(np.asarray(p, dtype=float), EPS, 1 - EPS), float(np.clip(old, EPS, 1 - EPS))
    for _ in range(STEPS):
        before, new = new, float(np.clip(corrected(p, old, new).mean(), EPS, 1 - EPS))
        if abs(new - before) < NEAR: break
    return new, corrected(p, old, new)
