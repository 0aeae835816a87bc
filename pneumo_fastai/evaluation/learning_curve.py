"""AUROC against the number of training patients: a power law, what it forecasts for more of them, and how wrong such forecasts were.

The error 1 - AUROC is c + a n^-b of n patients (Figueroa et al. 2012, BMC Med Inform Decis Mak 12:8; Hestness et al. 2017,
arXiv:1712.00409; Viering and Loog 2022, arXiv:2103.10948). A few shares cannot tell whether there is a floor c, and beyond them it decides.
So two laws are fitted, with c = 0 and with c >= 0, a forecast is the mean of both, and its interval spans both; of fewer than `FLOORED`
shares the one without a floor alone, whose forecasts are rather too good. Near chance, where shares are very small, no power law holds.
"""
import numpy as np
import pandas as pd

from .intervals.bootstrap import by_score, percentile, resamples, stated
from .intervals.counts import ONE_CLASS
from .intervals.ranks import weighted_auroc
from .repetitions import measured

TIMES = 2, 10       # as many patients as the largest share has, to forecast for
LEAST, FLOORED = 3, 4  # shares for a law, and for one with a floor
EXPONENTS = np.geomspace(.01, 3, 40)  # b, before it is narrowed down
STEPS, ZOOMS = np.linspace(-1, 1, 21), 4
NEAR = 1e-3         # a variance of which an AUROC has at least, so that one of 1 does not outweigh all
DRAWN = 50          # places of the line

FEW = 'it takes {least} shares with a defined AUROC to fit a law, and there are {n}'
PERFECT = 'the AUROC is 1 at every share: there is no error to follow'
FALLING = 'the AUROC does not grow with the patients over these shares'


def learning_curve(
    shares,  # by fraction: `patients` of training [repetitions] and `tables` of predictions by repetition
    split,   # whose AUROC: valid or test, the same for all shares
    choices,  # a `Settings`
) -> dict:
    """split; points (fraction, patients, by_repetition, mean, sd, low, high: 95% over patients of the split) from few patients to many;
    laws (a, b, c), forecasts for `TIMES` as many patients, checks of forecasts from the smaller shares alone, line (to draw), and a
    reason where there is no law."""
    points = sorted((point(fraction, s, split, choices) for fraction, s in shares.items()), key=lambda p: p['patients'])
    found = dict(split=split, points=points, laws=[], forecasts=[], checks=[], line=[])
    if any(p['mean'] is None for p in points): return dict(found, reason=f'not defined, because {ONE_CLASS}')
    order = [p['fraction'] for p in points]
    n, auroc, of = (np.concatenate(v) for v in zip(*([shares[f]['patients'], p['by_repetition'], [i]*len(p['by_repetition'])]
                                                   for i, (f, p) in enumerate(zip(order, points, strict=True))), strict=True))
    drawn = together([t for f in order for t in shares[f]['tables'].values()], split, choices)
    return found | extrapolated(n, auroc, of, drawn, choices.seed)


def point(fraction, share, split, choices):
    auroc = measured(share['tables'], split, choices)['metrics']['auroc']
    return dict(fraction=fraction, patients=float(np.mean(share['patients'])), **auroc)


def together(tables, split, choices):
    "AUROC [resamples, trainings] in draws of the split's patients, each draw the same for all; draws that lack a class are left out."
    parts = [t[t['split'] == split] for t in tables]
    scored = [by_score(p['label'].to_numpy(), p['probability'].to_numpy()) for p in parts]
    ends = np.cumsum([len(p) for p in parts])[:-1]
    def values(w):
        each = zip(np.split(w, ends, axis=1), scored, strict=True)
        return {i: weighted_auroc(*score(part)) for i, (part, score) in enumerate(each)}
    each = resamples(pd.concat(parts)['patient'], values, choices.n_boot, choices.seed)
    found = np.stack(list(each.values()), axis=1)
    return found[~np.isnan(found).any(axis=1)]


def extrapolated(
    n, auroc, of,  # of each training: its patients, AUROC and share, numbered from few patients to many [trainings]
    drawn,         # AUROC in draws of the patients that are measured on [resamples, trainings]
    seed=0,
) -> dict:
    "laws, forecasts, checks and line, or a reason."
    if why := unfit(n, auroc, of): return dict(reason=f'not defined, because {why}')
    top, rng = n[of == of.max()].mean(), np.random.default_rng(seed)
    fitted = Fit(n, auroc, of, drawn, rng)
    at = np.geomspace(n.min(), max(TIMES)*top, DRAWN)
    several = [dict(times=t, patients=t*float(top), **fitted.forecast(t*top)) for t in TIMES]
    return dict(laws=fitted.said(), forecasts=several, line=[dict(patients=float(x), **fitted.forecast(x)) for x in at],
                checks=[check(n, auroc, of, drawn, k, rng) for k in range(LEAST, of.max() + 1)])


def unfit(n, auroc, of):
    "Why no law can be fitted; None where one can."
    if (k := len(np.unique(of))) < LEAST: return FEW.format(least=LEAST, n=k)
    if (auroc == 1).all(): return PERFECT
    return FALLING if np.cov(np.log(n), auroc, aweights=weights(auroc, of))[0, 1] <= 0 else None


def weights(auroc, of):
    "Of each training by its share's mean AUROC m: 1/(m (1 - m)), as the variance of a share goes (and that over seeds with it)."
    mean = np.array([auroc[of == k].mean() for k in of])
    return 1/np.maximum(mean*(1 - mean), NEAR)


def check(n, auroc, of, drawn, k, rng):
    """The forecast for share k from those below: value, low, high of what would be measured on the very same patients, measured, error
    (value - measured) and whether it is inside; or a reason."""
    below, there = of < k, of == k
    found = dict(share=int(k), patients=float(n[there].mean()), measured=float(auroc[there].mean()))
    if why := unfit(n[below], auroc[below], of[below]): return found | stated(None, dict(low=None, high=None), why)
    fitted = Fit(n[below], auroc[below], of[below], drawn[:, below], rng)
    value, moved = fitted.at(found['patients'])
    again = drawn[:, there] + fitted.noise(weights(auroc, of)[there])
    ends = percentile((moved - again.mean(axis=1)).ravel())
    low, high = (min(1, max(0, found['measured'] + ends[e])) for e in ('low', 'high'))
    return found | dict(value=value, low=min(low, value), high=max(high, value), error=value - found['measured'],
                        inside=bool(low <= found['measured'] <= high))


class Fit:
    "The laws of some trainings, and of the same in each of the draws, with what training once more would change added at random."
    def __init__(self, n, auroc, of, drawn, rng):
        self.top, self.rng, w = n.max(), rng, weights(auroc, of)
        self.floors = [False, True] if len(np.unique(of)) >= FLOORED else [False]
        self.laws = [law(n/self.top, 1 - auroc[None], w, f) for f in self.floors]
        left = auroc - self.at_each(self.laws, n)[:, 0].mean(axis=0)
        freedom = max(1, len(n) - 1 - len(self.floors))
        self.spread = np.sqrt((w*left**2).sum()/rng.chisquare(freedom, (len(drawn), 1)))
        again = np.clip(1 - drawn - self.noise(w), 0, 1)
        self.moved = [law(n/self.top, again, w, f) for f in self.floors]

    def noise(self, w): return self.rng.normal(size=(len(self.spread), len(w)))*self.spread/np.sqrt(w)
    def at_each(self, laws, n): return np.stack([1 - c - a*(np.asarray(n)/self.top)**-b for a, b, c in laws])

    def at(self, n):
        "(AUROC for n patients: the mean of the laws, the same by each law in each draw [laws, draws])."
        return float(self.at_each(self.laws, n).mean()), self.at_each(self.moved, n)[..., 0]

    def forecast(self, n):
        value, moved = self.at(n)
        ends = percentile(moved.ravel())
        return dict(value=value, low=min(ends['low'], value), high=max(ends['high'], value))

    def said(self): return [dict(a=float(a[0, 0]*self.top**b[0, 0]), b=float(b[0, 0]), c=float(c[0, 0])) for a, b, c in self.laws]


def law(
    t,      # patients, as multiples of the most [trainings]
    error,  # 1 - AUROC [rows, trainings]
    w,      # weights [trainings]
    floor,  # whether c may be above 0
):
    "(a, b, c) [rows, 1] of c + a t^-b with the least squares, a and c not negative."
    rows, b = np.arange(len(error)), np.log(EXPONENTS)[None].repeat(len(error), axis=0)
    width = b[0, 1] - b[0, 0]
    for _ in range(ZOOMS + 1):
        a, c, squares = linear(t**-np.exp(b)[..., None], error[:, None], w, floor)
        best = squares.argmin(axis=1)
        a, c, middle = (x[rows, best][:, None] for x in (a, c, b))
        b, width = middle + width*STEPS, width/10
    return a, np.exp(middle), c


def linear(x, y, w, floor):
    "a, c and the weighted sum of squares of y = c + a x over the last axis, neither negative; without a floor c is 0."
    def total(v): return (w*v).sum(-1)
    a, c = total(x*y)/total(x*x), 0*total(x)
    if floor:
        mean_x, mean_y = (total(v)/w.sum() for v in (x, y))
        off = x - mean_x[..., None]
        slope = total(off*y)/np.maximum(total(off*off), 1e-300)
        at_0 = mean_y - slope*mean_x
        inside, flat = at_0 >= 0, slope < 0
        a, c = np.where(flat, 0, np.where(inside, slope, a)), np.where(flat, mean_y, np.where(inside, at_0, 0))
    return a, c, total((y - c[..., None] - a[..., None]*x)**2)
