"""How far chance alone may have moved a number: 95% intervals that allow for several images of a person.

One idea for every number between 0 and 1: Wilson's score interval (1927) of a share among as many independent images as the number is
worth, v(1 - v)/variance, the variance being over persons and a person worth one image at most. The latter counts near the top, where the
variance rests on the few images that went wrong and misses those, such as of wrong labels, that chance left out; and it leaves width
where none went wrong. Differences have another interval: the paired bootstrap of `intervals`. How often each holds the truth:
tests/evaluation/test_coverage.py.
"""
import numpy as np
from scipy.special import stdtrit

from .clustered import auroc_influence, by_person, covariance, numbered
from .intervals import resamples

Z = 1.9599639845400543  # of 95%
STEP = 1e-6             # of a person, to see how a number moves with it
NOTHING = 1e-12         # less is rounding


def wilson(value, n):
    "Low and high of a share among `n` independent images, which need be no whole number."
    middle, half = value + Z**2/(2*n), Z*np.sqrt(value*(1 - value)/n + Z**2/(4*n**2))
    return tuple(float(np.clip(x/(1 + Z**2/n), 0, 1)) for x in (middle - half, middle + half))


def level(
    value, variance,  # of the number over persons
    most,             # independent images that it is worth at most
    least=0,          # its lowest possible value; the highest is 1
):
    "low and high of a number that is defined."
    share, variance = (value - least)/(1 - least), variance/(1 - least)**2
    spread = share*(1 - share)
    n = min(most, spread/variance) if spread > NOTHING and variance > NOTHING**2 else most
    low, high = wilson(np.clip(share, 0, 1), n)
    return dict(low=min(value, least + low*(1 - least)), high=max(value, least + high*(1 - least)))


def worth(*persons):
    "Independent images that a mean over groups of so many persons is worth at most: of two, four times their product by their sum."
    some = [n for n in persons if n]
    return len(some)**2/sum(1/n for n in some)


def none(names): return {k: dict(low=None, high=None) for k in names}


def variances(sums, statistic):
    "`(values, variances)` by name: a person's influence is how the number moves when it is weighed a little more (Jaeckel 1972)."
    total = sums.sum(0, keepdims=True)
    here, moved = statistic(total), statistic(total + STEP*sums)
    return {k: v[0] for k, v in here.items()}, {k: float((((moved[k] - v[0])/STEP)**2).sum()) for k, v in here.items()}


def of_sums(
    person,     # whose image each row is [rows]
    columns,    # what each row adds to each sum [rows, sums]
    statistic,  # sums [k, sums] -> name -> values [k], NaN where undefined
    groups,     # name -> groups of columns: whoever adds to one is a person that the number is about
):
    "low and high by name, of numbers between 0 and 1 (`mcc`: -1 and 1) that depend on sums over the images."
    sums = by_person(person, columns)
    if len(sums) < 2: return none(groups)
    values, found, out = *variances(sums, statistic), none(groups)
    for k, of in groups.items():
        if np.isnan(values[k]): continue
        most = worth(*((sums[:, g] != 0).any(1).sum() for g in of))
        out[k] = level(values[k], found[k], most, -1 if k == 'mcc' else 0)
    return out


def few(persons): return float(stdtrit(persons - 1, .975)/Z)  # a variance of few persons is itself uncertain: Student's t


def of_shares(
    person,
    shares,   # name -> a share of each image [n]
    hits=(),  # names of those that are 0 or 1; a mean of others may be worth more than a person's image each
):
    "low and high by name of means of shares."
    sums, out = by_person(person, np.stack([np.ones(len(person)), *shares.values()], axis=1)), none(shares)
    if len(sums) < 2: return out
    values, found = variances(sums, lambda s: {k: s[:, i]/s[:, 0] for i, k in enumerate(shares, 1)})
    for k, v in values.items():
        counted = k in hits or found[k] < NOTHING
        out[k] = level(v, found[k], len(sums)) if counted else level(v, found[k]*few(len(sums))**2, np.inf)
    return out


def of_resamples(
    person,
    statistic,  # weights [k, rows] -> name -> values [k], NaN where undefined
    groups,     # name -> masks [rows] of the images that the number is about
    n, seed,
):
    "low and high by name of numbers between 0 and 1 that have no simple variance: it is that of n draws of persons."
    code, here = numbered(person), statistic(np.ones((1, len(person))))
    if code.max(initial=0) < 1: return none(groups)
    drawn, out = resamples(person, statistic, n, seed), none(groups)
    for k, masks in groups.items():
        if np.isnan(here[k][0]): continue
        defined = drawn[k][~np.isnan(drawn[k])]
        out[k] = level(here[k][0], defined.var() if len(defined) else 0, worth(*(len(np.unique(code[m])) for m in masks)))
    return out


def of_ratio(a, b):
    "`(low, high)` of a/b from the value, low and high of both (MOVER-R, Donner and Zou 2012); high may be infinite."
    (a, la, ha), (b, lb, hb) = ([m[k] for k in ('value', 'low', 'high')] for m in (a, b))
    down, up = la*(2*a - la), ha*(2*a - ha)
    bottom, top = lb*(2*b - lb), hb*(2*b - hb)
    least = a*b + np.sqrt(max(0, (a*b)**2 - down*top))
    return down/least if least else 0., (a*b + np.sqrt(max(0, (a*b)**2 - up*bottom)))/bottom if bottom > 0 else np.inf


def predictive(recall, specificity, prevalence):
    "low and high of precision and of npv where `prevalence` of the images are positive, from those of recall and of specificity."
    if None in (recall['low'], specificity['low']): return [dict(low=None, high=None)]*2
    def rest(m): return dict(value=1 - m['value'], low=1 - m['high'], high=1 - m['low'])
    odds, out = prevalence/(1 - prevalence), []
    for wrong, right, before in ((rest(specificity), recall, odds), (rest(recall), specificity, 1/odds)):
        low, high = of_ratio(wrong, right)
        out.append(dict(low=float(1/(1 + high/before)), high=float(1/(1 + low/before))))
    return out


def of_losses(
    person,
    losses,  # name -> loss of each image [n], none below 0
):
    "low and high by name of mean losses, which have no upper end: normal on the scale of their logarithm."
    columns = np.stack([np.ones(len(person)), *losses.values()], axis=1)
    sums, out = by_person(person, columns), none(losses)
    if len(sums) < 2: return out
    values, found = variances(sums, lambda s: {k: s[:, i]/s[:, 0] for i, k in enumerate(losses, 1)})
    for k, v in values.items():
        half = Z*few(len(sums))*np.sqrt(found[k])/v if v > NOTHING else 0
        if half > NOTHING: out[k] = dict(low=float(v*np.exp(-half)), high=float(v*np.exp(half)))
    return out


def of_influence(
    person, y,
    auroc, influence,  # as `auroc_influence` gives them
    wider=1,           # times the standard error
):
    "low and high of an AUROC, or of a mean of AUROCs and of influences."
    persons = [len(np.unique(numbered(person)[y == k])) for k in (0, 1)]
    if np.isnan(auroc) or len(set(person)) < 2: return dict(low=None, high=None)
    return level(auroc, float(covariance(person, y, [influence])[0, 0])*wider**2, worth(*persons))


def of_auroc(person, y, p, stratum=None, wider=1):
    "`(auroc, low and high)`; images whose stratum holds one label alone are in no pair."
    person, y, p = (np.asarray(o) for o in (person, y, p))
    if stratum is not None:
        kept = np.isin(stratum, [s for s in np.unique(stratum) if len(np.unique(y[stratum == s])) == 2])
        person, y, p, stratum = person[kept], y[kept], p[kept], stratum[kept]
    auroc, influence = auroc_influence(y, p, stratum)
    return auroc, of_influence(person, y, auroc, influence, wider)
