"""How far several predictions of one image differ, and what that is good for.

Two sources: copies of each image drawn with the training's augmentation (test-time augmentation), and the networks of a deep ensemble
(Lakshminarayanan et al. 2017). A call is always the run's own: the probability in predictions.csv at the run's threshold.
"""
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError
from ..tables import read_csv
from .blocks import ONE_CLASS
from .intervals import bootstrap, by_score, stated, weighted_auroc
from .metrics import checked, ratio
from .uncertainty import confidence, mutual_information, referral

SOURCES = dict(augmentation=('augmented.csv', 'copy_', 'copies'), ensemble=('members.csv', 'network_', 'networks'))
QUANTILES = (.05, .25, .5, .75, .95)
REFERRED = (.1, .2)
ROUNDING = 1e-6  # predictions.csv and members.csv hold eight digits


def read_members(
    folder,       # a run's
    predictions,  # its own, as `summary.read_predictions` gives them
):
    "The table of each of `SOURCES` whose file is there, by source: split and a column for each copy or network, indexed by path."
    found = {}
    for source, (name, prefix, _) in SOURCES.items():
        path = Path(folder)/name
        if not path.is_file(): continue
        table = read_csv(path, dtype=dict(path=str, split=str), keep_default_na=False, na_values=[''])
        found[source] = check_members(path, table, prefix, predictions)
        if source == 'ensemble': check_mean(path, found[source], predictions)
    return found


def check_members(path, table, prefix, predictions):
    "`table` indexed by path, rows as in `predictions`; `InputError` unless its columns, images, splits and probabilities are in order."
    names = [f'{prefix}{i}' for i in range(1, max(2, len(table.columns) - 1))]
    if list(table.columns) != ['path', 'split', *names]:
        raise InputError(f'{path} has the columns {", ".join(table.columns)}; needed are path, split, {prefix}1, {prefix}2, ...')
    if (twice := table['path'].duplicated()).any():
        raise InputError(f'{path} repeats a path in {twice.sum()} rows, first {table["path"][twice].iloc[0]!r}; give one row an image')
    if other := set(table['path']) ^ set(predictions['path']):
        raise InputError(f'{path} and predictions.csv differ in {len(other)} images, one is {min(map(str, other))!r}; both are of one run')
    table = table.set_index('path').loc[predictions['path']]
    if (other := table['split'].to_numpy() != predictions['split'].to_numpy()).any():
        raise InputError(f'{path} has {other.sum()} images in another split than predictions.csv, one is {table.index[other][0]!r}')
    values = table[names].apply(pd.to_numeric, errors='coerce')
    if (bad := ~((values >= 0) & (values <= 1)).all(axis=1)).any():
        raise InputError(f'{path} has {bad.sum()} rows with something other than probabilities in [0, 1], the first is {bad.idxmax()!r}')
    return table[['split']].join(values.astype(float))


def check_mean(path, table, predictions):
    "`InputError` unless the probability of each image is the mean of its networks."
    off = np.abs(table.drop(columns='split').mean(axis=1).to_numpy() - predictions['probability'].to_numpy(dtype=float)) > ROUNDING
    if off.any(): raise InputError(f'the networks in {path} have another mean than predictions.csv for {off.sum()} images; '
                                   'make the ensemble anew')


def scores(y, p):
    "What turns weights [k, n] into AUROC and Brier score [2, k]; AUROC is NaN unless both classes have weight."
    split, squared = by_score(y, p), (p - y)**2
    return lambda w: np.stack([weighted_auroc(*split(w)), ratio(w@squared, w.sum(1))])


def gain(rows, together, singles, choices):
    """auroc and brier, each: mean (of `together` [n]), single (the mean over `singles` [models, n]), difference (mean less single) and
    each (of `singles`); all with intervals from the same resamples of persons."""
    y, _ = checked(rows['label'], together)
    of = [scores(y, p) for p in (together, *singles)]

    def statistic(w):
        found = {}
        for name, (mean, *each) in zip(('auroc', 'brier'), np.stack([f(w) for f in of], axis=1), strict=True):
            single = np.mean(each, axis=0)
            values = dict(mean=mean, single=single, difference=mean - single, **numbered(each))
            found |= {(name, k): v for k, v in values.items()}
        return found
    intervals, here = bootstrap(rows['person'], statistic, choices.n_boot, choices.seed), statistic(np.ones((1, len(y))))
    def one(name, key): return stated(here[name, key][0], intervals[name, key], ONE_CLASS)
    return {name: dict({k: one(name, k) for k in ('mean', 'single', 'difference')}, each=[one(name, k) for k in numbered(singles)])
            for name in ('auroc', 'brier')}


def numbered(values): return {str(i): v for i, v in enumerate(values, 1)}


def marking(rows, wrong, information, sure, agree, choices):
    """How well disagreement, and nearness to the threshold, pick out wrong calls: AUROC of each for "this call is wrong", and the
    difference, with intervals from the same resamples."""
    doubts = [np.unique(v, return_inverse=True)[1].astype(float) for v in (information, -sure)]
    splits = [by_score(wrong, v) for v in doubts]

    def statistic(w):
        first, second = (weighted_auroc(*split(w)) for split in splits)
        return dict(disagreement=first, confidence=second, difference=first - second)
    intervals, here = bootstrap(rows['person'], statistic, choices.n_boot, choices.seed), statistic(np.ones((1, len(wrong))))
    why = 'no call is wrong' if not wrong.any() else 'every call is wrong'
    out = {k: stated(v[0], intervals[k], why) for k, v in here.items()}
    if information.any() or not 0 < wrong.sum() < len(wrong): return out
    return out | {k: stated(None, intervals[k], agree) for k in ('disagreement', 'difference')}


def spread(values, why):
    "n, mean and quantiles of the disagreement of some images, in nats."
    if not len(values): return dict(n=0, mean=None, quantiles=None, reason=f'not defined, because {why}')
    return dict(n=len(values), mean=float(values.mean()), quantiles={f'{q:.0%}': float(np.quantile(values, q)) for q in QUANTILES})


def disagreement(
    test,   # columns path, person, label, probability
    table,  # as `read_members` gives it: every image of test
    threshold, source, choices,
):
    """members (how many), auroc and brier (`gain`), information (`spread` of the mutual information of right and wrong calls), marking
    (of wrong calls) and referral (each share asked: by disagreement and by confidence); a reason alone where there is one member."""
    p, what = table.drop(columns='split').loc[test['path']].to_numpy().T, SOURCES[source][2]
    if len(p) < 2: return dict(members=len(p), reason=f'not defined, because it takes two {what} to disagree')
    y, own = checked(test['label'], test['probability'])
    information = mutual_information(p).round(12)  # what is left of equal members is rounding, and ranks nothing
    wrong, sure, rest = ((own >= threshold) != y).astype(int), confidence(own, threshold), (choices.n_boot, choices.seed, REFERRED)
    found = gain(test, p.mean(0), [own], choices) if source == 'augmentation' else gain(test, own, p, choices)
    rankings = [referral(test, threshold, *rest, sure=s) for s in (-information, sure)]
    return dict(
        members=len(p), **found,
        information={k: spread(information[wrong == i], f'no call is {k}') for i, k in enumerate(('right', 'wrong'))},
        marking=marking(test, wrong, information, sure, f'the {what} agree on every image', choices),
        referral=[dict(asked=a['asked'], disagreement=a, confidence=b) for a, b in zip(*rankings, strict=True)])
