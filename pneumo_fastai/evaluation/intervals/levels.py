"""How far chance alone may have moved a number: 95% intervals that allow for several images of a patient.

One idea for every number between 0 and 1: Wilson's score interval (1927) of a share among as many independent images as the number is
worth, v(1 - v)/variance, the variance being over patients. It is worth no more than there are patients, or images over the design effect
if that is more. This counts near the top, where the variance rests on the few images that went wrong and misses those, such as of wrong
labels, that chance left out; and it leaves width where none went wrong. Differences have another interval: the paired bootstrap of
`intervals`. How often each holds the truth: tests/evaluation/test_levels.py, by `pytest -m slow`.
"""
import numpy as np

from ..metrics import RATES
from .bootstrap import resamples
from .clustered import auroc_influence, covariance, numbered

Z = 1.9599639845400543  # of 95%
STEP = 1e-4             # of an image, to see how a number moves with it
NOTHING = 1e-18         # a variance below is rounding


def wilson(value, n):
    "Low and high of a share among `n` independent images, which need be no whole number."
    middle, half = value + Z**2/(2*n), Z*np.sqrt(value*(1 - value)/n + Z**2/(4*n**2))
    return tuple(float(np.clip(x/(1 + Z**2/n), 0, 1)) for x in (middle - half, middle + half))


def level(
    value, variance,  # of the number over patients
    most,             # independent images that it is worth at most
    least=0,          # its lowest possible value; the highest is 1
):
    "low and high of a number that is defined."
    share, variance = (value - least)/(1 - least), variance/(1 - least)**2
    spread = max(0, share*(1 - share))
    low, high = wilson(np.clip(share, 0, 1), min(most, spread/variance) if spread > NOTHING**.5 and variance > NOTHING else most)
    return dict(low=min(value, least + low*(1 - least)), high=max(value, least + high*(1 - least)))


def worth(counts):
    "Independent images that a mean over groups of so many is worth: of two groups four times their product by their sum."
    some = [n for n in counts if n]
    return len(some)**2/sum(1/n for n in some)


def squares(code, influence): return (np.bincount(code, weights=influence)**2).sum()


def design_effect(code, influence):
    "How many times the variance over images that over patients is; at the upper end of its interval, few patients telling it badly."
    by_patient = np.bincount(code, weights=influence)**2
    if by_patient.sum() < NOTHING: return np.inf
    patients = by_patient.sum()**2/(by_patient**2).sum()  # that it rests on
    return max(1, by_patient.sum()/(influence**2).sum()*(1 + Z/np.sqrt(patients)))


def at_most(
    code,       # whose image each row is [rows]
    influence,  # of each row on the number [rows]
    groups,     # masks [rows] of the images that the number is about, a mean over them
):
    "Independent images that a number is worth at most."
    return max(worth(len(np.unique(code[g])) for g in groups), worth(g.sum() for g in groups)/design_effect(code, influence))


def none(names): return {k: dict(low=None, high=None) for k in names}


def influences(columns, statistic):
    "`(values, influence of each row [rows])` by name: how a number moves when a row weighs a little more (Jaeckel 1972)."
    total = columns.sum(0, keepdims=True)
    here, moved = statistic(total), statistic(total + STEP*columns)
    return {k: v[0] for k, v in here.items()}, {k: (moved[k] - v[0])/STEP for k, v in here.items()}


def of_sums(
    patient,     # whose image each row is [rows]
    columns,    # what each row adds to each sum [rows, sums]
    statistic,  # sums [k, sums] -> name -> values [k], NaN where undefined
    groups,     # name -> groups of columns: the number is about the rows that add to one
):
    "low and high by name, of numbers between 0 (of a metric: its `least`) and 1 that depend on sums over the images."
    code, out = numbered(patient), none(groups)
    if code.max(initial=0) < 1: return out
    values, moves = influences(columns, statistic)
    for k, of in groups.items():
        if np.isnan(values[k]): continue
        most = at_most(code, moves[k], [(columns[:, g] != 0).any(1) for g in of])
        out[k] = level(values[k], squares(code, moves[k]), most, RATES[k].least if k in RATES else 0)
    return out


def of_means(patient, values, interval):
    "low and high by name of means of `values` (by name [n]): `interval(name, mean, variance, patients)`, with Student's t of few patients."
    from scipy.special import stdtrit
    code, out = numbered(patient), none(values)
    if (patients := code.max(initial=0) + 1) < 2: return out
    for k, v in values.items():
        found = interval(k, v.mean(), squares(code, v - v.mean())/len(v)**2*(stdtrit(patients - 1, .975)/Z)**2, patients)
        if found: out[k] = found
    return out


def of_shares(patient, shares):
    "low and high by name of means of shares (by name [n]) that are not 0 or 1 alone: they may be worth more images than there are."
    return of_means(patient, shares, lambda k, v, variance, patients: level(v, variance, np.inf if variance > NOTHING else patients))


def of_signed(patient, values):
    "low and high by name of means of numbers between -1 and 1 (by name [n]), of differences too: Student's t over patients."
    def interval(k, v, variance, patients):
        half = Z*np.sqrt(variance*patients/(patients - 1))
        return dict(low=float(max(-1, v - half)), high=float(min(1, v + half))) if variance > NOTHING else None
    return of_means(patient, values, interval)


def of_losses(patient, losses):
    "low and high by name of mean losses (by name [n]), which have no upper end: normal on the scale of their logarithm."
    def interval(k, v, variance, patients):
        ratio = np.exp(Z*np.sqrt(variance)/v) if v > 0 and variance > NOTHING else 1
        return dict(low=float(v/ratio), high=float(v*ratio)) if ratio > 1 else None
    return of_means(patient, losses, interval)


def of_resamples(
    patient,
    statistic,  # weights [k, rows] -> name -> values [k], NaN where undefined
    groups,     # name -> masks [rows] of the images that the number is about
    influence,  # of each row on the AUROC, whose design effect is taken for theirs
    n, seed,
):
    "low and high by name of numbers between 0 and 1 that have no simple variance: it is that of n draws of patients."
    code, here, out = numbered(patient), statistic(np.ones((1, len(patient)))), none(groups)
    if code.max(initial=0) < 1: return out
    drawn = resamples(patient, statistic, n, seed)
    for k, masks in groups.items():
        if np.isnan(here[k][0]): continue
        defined = drawn[k][~np.isnan(drawn[k])]
        out[k] = level(here[k][0], defined.var() if len(defined) else 0, at_most(code, influence, masks))
    return out


def of_influence(
    patient, y,
    auroc, influence,  # as `auroc_influence` gives them
    wider=1,           # times the standard error
):
    "low and high of an AUROC, or of a mean of AUROCs and of influences."
    code = numbered(patient)
    if np.isnan(auroc) or code.max(initial=0) < 1: return dict(low=None, high=None)
    return level(auroc, float(covariance(patient, y, [influence])[0, 0])*wider**2, at_most(code, influence, (y == 1, y == 0)))


def of_auroc(patient, y, p, stratum=None, wider=1):
    "`(auroc, low and high)`; images whose stratum holds one label alone are in no pair."
    patient, y, p = (np.asarray(o) for o in (patient, y, p))
    if stratum is not None:
        kept = np.isin(stratum, [s for s in np.unique(stratum) if len(np.unique(y[stratum == s])) == 2])
        patient, y, p, stratum = patient[kept], y[kept], p[kept], stratum[kept]
    auroc, influence = auroc_influence(y, p, stratum)
    return auroc, of_influence(patient, y, auroc, influence, wider)


def of_ratio(a, b):
    "`(low, high)` of a/b from the value, low and high of both (MOVER-R, Donner and Zou 2012); high may be infinite."
    (a, la, ha), (b, lb, hb) = ([m[k] for k in ('value', 'low', 'high')] for m in (a, b))
    down, up = la*(2*a - la), ha*(2*a - ha)
    bottom, top = lb*(2*b - lb), hb*(2*b - hb)
    least = a*b + np.sqrt(max(0, (a*b)**2 - down*top))
    return down/least if least else 0., (a*b + np.sqrt(max(0, (a*b)**2 - up*bottom)))/bottom if bottom > 0 else np.inf


def of_difference(a, b):
    """value, low and high of a - b, numbers of two sets of patients that have none in common, from those of both (square and add, Newcombe
    1998; Zou and Donner 2008); a reason where either or its interval is not defined."""
    if without := next((m for m in (a, b) if None in (m['value'], m['low'])), None):
        value = None if None in (a['value'], b['value']) else a['value'] - b['value']
        return dict(value=value, low=None, high=None, reason=without['reason'])
    value = a['value'] - b['value']
    low, high = (np.hypot(x['value'] - x['low'], y['high'] - y['value']) for x, y in ((a, b), (b, a)))
    return dict(value=float(value), low=float(value - low), high=float(value + high))


def predictive(recall, specificity, prevalence):
    "low and high of precision and of npv where `prevalence` of the images are positive, from those of recall and of specificity."
    if None in (recall['low'], specificity['low']): return [dict(low=None, high=None)]*2
    def rest(m): return dict(value=1 - m['value'], low=1 - m['high'], high=1 - m['low'])
    odds, out = prevalence/(1 - prevalence), []
    for wrong, right, before in ((rest(specificity), recall, odds), (rest(recall), specificity, 1/odds)):
        low, high = of_ratio(wrong, right)
        out.append(dict(low=float(1/(1 + high/before)), high=float(1/(1 + low/before))))
    return out
