"""How far several predictions of one image differ, and what that is good for.

Two sources: copies of each image drawn with the training's augmentation (test-time augmentation), and the networks of a deep ensemble
(Lakshminarayanan et al. 2017). A call is always the run's own: the probability in predictions.csv at the run's threshold.
"""
import numpy as np

from .intervals.bootstrap import bootstrap, by_score, stated
from .intervals.clustered import auroc_influence
from .intervals.counts import ONE_CLASS, checked, ratio
from .intervals.levels import of_auroc, of_influence, of_losses
from .intervals.ranks import weighted_auroc
from .uncertainty import confidence, mutual_information, referral

SOURCES = dict(augmentation='copies', ensemble='networks')
QUANTILES = (.05, .25, .5, .75, .95)
REFERRED = (.1, .2)


def scores(y, p):
    "What turns weights [k, n] into AUROC and Brier score [2, k]; AUROC is NaN unless both classes have weight."
    split, squared = by_score(y, p), (p - y)**2
    return lambda w: np.stack([weighted_auroc(*split(w)), ratio(w@squared, w.sum(1))])


def gain(rows, together, singles, choices):
    """auroc and brier, each: mean (of `together` [n]), single (the mean over `singles` [models, n]), difference (mean less single) and
    each (of `singles`); all with intervals, that of the difference from resamples of patients."""
    y, _ = checked(rows['label'], together)
    mean, *each = [scores(y, p) for p in (together, *singles)]
    def statistic(w): return dict(zip(('auroc', 'brier'), mean(w) - np.mean([f(w) for f in each], axis=0), strict=True))
    here, intervals = statistic(np.ones((1, len(y)))), bootstrap(rows['patient'], statistic, choices.n_boot, choices.seed)
    found = dict(auroc=auroc_levels(rows['patient'], y, together, singles), brier=brier_levels(rows['patient'], y, together, singles))
    return {k: dict(found[k], difference=stated(here[k][0], intervals[k], ONE_CLASS)) for k in found}


def auroc_levels(patient, y, together, singles):
    "mean, single and each, as for `gain`."
    each = [auroc_influence(y, p) for p in singles]
    def one(auroc, influence): return stated(auroc, of_influence(patient, y, auroc, influence), ONE_CLASS)
    single = [np.mean(parts, axis=0) for parts in zip(*each, strict=True)]
    return dict(mean=one(*auroc_influence(y, together)), single=one(*single), each=[one(*e) for e in each])


def brier_levels(patient, y, together, singles):
    "mean, single and each, as for `gain`."
    squared = dict(mean=(together - y)**2, single=np.mean((singles - y)**2, axis=0), **{str(i): (p - y)**2 for i, p in enumerate(singles)})
    intervals = of_losses(patient, squared)
    found = {k: stated(v.mean(), intervals[k], ONE_CLASS) for k, v in squared.items()}
    return dict(mean=found.pop('mean'), single=found.pop('single'), each=list(found.values()))


def marking(rows, wrong, information, sure, agree, choices):
    """How well disagreement, and nearness to the threshold, pick out wrong calls: AUROC of each for "this call is wrong", and the
    difference, whose interval is from resamples of patients."""
    doubts = [np.unique(v, return_inverse=True)[1].astype(float) for v in (information, -sure)]
    splits, patient = [by_score(wrong, v) for v in doubts], rows['patient']
    def statistic(w): return dict(difference=np.subtract(*(weighted_auroc(*split(w)) for split in splits)))
    why = 'no call is wrong' if not wrong.any() else 'every call is wrong'
    out = {k: stated(*of_auroc(patient, wrong, v), why) for k, v in zip(('disagreement', 'confidence'), doubts, strict=True)}
    intervals, here = bootstrap(patient, statistic, choices.n_boot, choices.seed), statistic(np.ones((1, len(wrong))))
    out['difference'] = stated(here['difference'][0], intervals['difference'], why)
    if information.any() or not 0 < wrong.sum() < len(wrong): return out
    return out | {k: stated(None, out[k], agree) for k in ('disagreement', 'difference')}


def spread(values, why):
    "n, mean and quantiles of the disagreement of some images, in nats."
    if not len(values): return dict(n=0, mean=None, quantiles=None, reason=f'not defined, because {why}')
    return dict(n=len(values), mean=float(values.mean()), quantiles={f'{q:.0%}': float(np.quantile(values, q)) for q in QUANTILES})


def disagreement(
    valid, test,  # columns path, patient, label, probability
    table,        # as `read_members` gives it: every image of both
    threshold, source, choices,
):
    """members (how many), auroc and brier (`gain`), information (`spread` of the mutual information of right and wrong calls), marking
    (of wrong calls) and referral (each share asked: by disagreement and by confidence); a reason alone where there is one member."""
    (elsewhere, p), what = [table.drop(columns='split').loc[rows['path']].to_numpy().T for rows in (valid, test)], SOURCES[source]
    if len(p) < 2: return dict(members=len(p), reason=f'not defined, because it takes two {what} to disagree')
    y, own = checked(test['label'], test['probability'])
    before, information = (mutual_information(o).round(12) for o in (elsewhere, p))  # what is left of equal members is rounding
    wrong, sure = ((own >= threshold) != y).astype(int), confidence(own, threshold)
    found = gain(test, p.mean(0), [own], choices) if source == 'augmentation' else gain(test, own, p, choices)
    rankings = [referral(valid, test, threshold, REFERRED, s) for s in ((-before, -information), None)]
    return dict(
        members=len(p), **found,
        information={k: spread(information[wrong == i], f'no call is {k}') for i, k in enumerate(('right', 'wrong'))},
        marking=marking(test, wrong, information, sure, f'the {what} agree on every image', choices),
        referral=[dict(asked=a['asked'], disagreement=a, confidence=b) for a, b in zip(*rankings, strict=True)])
