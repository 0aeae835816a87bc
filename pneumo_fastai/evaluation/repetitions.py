"""Settings that were trained several times, with other seeds: mean and spread over the repetitions, and paired differences of the AUROC.

The interval and the p-value of a difference say how far chance in the choice of patients may move the mean over these very repetitions;
what training once more would change is the standard deviation over them.
"""
import numpy as np
import pandas as pd

from ..errors import InputError
from .comparison import chosen_threshold, paired
from .cross_validation import spread
from .intervals.bootstrap import bootstrap, by_score, stated
from .intervals.clustered import auroc_influence, covariance
from .intervals.counts import ONE_CLASS, both_classes
from .intervals.levels import of_influence
from .intervals.ranks import weighted_auroc
from .metrics import METRICS, measure

SAME = 'p is not defined, because the difference does not vary: the two rank every pair of images alike, or both rank without error'


def holm(ps):
    "Holm's adjusted p-values (1979, Scand J Stat 6:65), for as many comparisons as have one; None where there was none."
    out, worst, m = [None]*len(ps), 0., sum(p is not None for p in ps)
    for rank, i in enumerate(sorted((i for i, p in enumerate(ps) if p is not None), key=lambda i: ps[i])):
        out[i] = worst = max(worst, min(1., (m - rank)*ps[i]))
    return out


def measured(
    repetitions,  # by name, each a table as `runs.tables.read_predictions` gives it
    split,
    choices,
) -> dict:
    "n, patients and prevalence by repetition, for split_seed changes them; metrics: by_repetition, mean, sd, of the AUROC low, high too."
    rows = {k: t[t['split'] == split] for k, t in repetitions.items()}
    each = [measure(r['label'], r['probability'], chosen_threshold(repetitions[k], choices)) for k, r in rows.items()]
    metrics = {m: dict(by_repetition=(v := [e[m] for e in each]), **spread(v)) for m in METRICS}
    metrics['auroc'] |= interval(list(rows.values()), metrics['auroc'])
    return dict(n=[len(r) for r in rows.values()], patients=[int(r['patient'].nunique()) for r in rows.values()],
                prevalence=[float(r['label'].mean()) for r in rows.values()], metrics=metrics)


def interval(parts, auroc):
    "low and high (95%, over patients) of the mean AUROC of all `parts`, each image in as many of them as have it."
    if not parts or None in auroc['by_repetition']: return dict(low=None, high=None)
    moved = [auroc_influence(rows['label'].to_numpy(), rows['probability'].to_numpy())[1]/len(parts) for rows in parts]
    each = pd.concat(parts).assign(moved=np.concatenate(moved)).groupby('path').agg(dict(patient='first', label='first', moved='sum'))
    return of_influence(each['patient'], each['label'].to_numpy(), auroc['mean'], each['moved'].to_numpy())


def difference(
    a, b,  # repetitions by name: all where all have the same images, else those that both have
    split,
    choices,  # a `Settings`
) -> dict:
    """The mean AUROC of a minus that of b: value, low, high (95%: patients are drawn, the same for all repetitions), repetitions of each,
    standard_error and p (two-sided, Obuchowski 1997). `InputError` where the images are not the same."""
    a, b = fellows(a, b, split)
    parts = [t[t['split'] == split].sort_values('path') for t in (*a.values(), *b.values())]
    found = dict(repetitions=[len(a), len(b)], standard_error=None, p=None)
    if any(not both_classes(rows['label']) for rows in parts):
        return found | stated(None, dict(low=None, high=None, left_out=0), ONE_CLASS)
    moved = [auroc_influence(rows['label'].to_numpy(), rows['probability'].to_numpy()) for rows in parts]
    value = float(between([auroc for auroc, _ in moved], len(a)))
    patient = np.concatenate([rows['patient'].to_numpy(dtype=object) for rows in parts])
    interval = bootstrap(patient, drawn(parts, len(a)), choices.n_boot, choices.seed)['auroc']
    influence = np.concatenate([i/len(a) if k < len(a) else -i/len(b) for k, (_, i) in enumerate(moved)])
    return found | stated(value, interval, '') | tested(value, patient, pd.concat(parts)['label'].to_numpy(), influence)


def fellows(a, b, split):
    "The repetitions to compare; `InputError` where the images are not the same."
    if not a or not b: raise InputError('one of the two has no repetition')
    try:
        for table in (*a.values(), *b.values()): paired(table, next(iter(b.values())), split)
        return a, b
    except InputError:
        if not (names := [k for k in a if k in b]): raise
    for k in names: paired(a[k], b[k], split)
    return {k: a[k] for k in names}, {k: b[k] for k in names}


def between(values, n): return np.mean(values[:n], axis=0) - np.mean(values[n:], axis=0)  # of the first n and of the others


def drawn(parts, n):
    "What turns weights of the rows of all `parts`, one after the other, into the mean AUROC of the first n minus that of the others."
    ends = np.cumsum([len(rows) for rows in parts])[:-1]
    scored = [by_score(rows['label'].to_numpy(), rows['probability'].to_numpy()) for rows in parts]

    def values(w):
        return dict(auroc=between([weighted_auroc(*score(part)) for part, score in zip(np.split(w, ends, axis=1), scored, strict=True)], n))
    return values


def tested(value, patient, y, influence):
    "standard_error and p of a difference, from how far each row moves it; a `reason` where it does not vary."
    from scipy.stats import norm
    if min(len(set(patient[y == k])) for k in (0, 1)) < 2:
        return dict(standard_error=None, p=None, reason='p is not defined, because a class has images of fewer than two patients')
    error = float(np.sqrt(max(0, covariance(patient, y, [influence])[0, 0])))
    if error < 1e-12: return dict(standard_error=0., p=None, reason=SAME)
    return dict(standard_error=error, p=float(2*norm.sf(abs(value)/error)))


def differences(settings, split, choices):
    "Of each setting's repetitions from those of the first: None for that one, else `difference`, or a reason; `holm` over all that have p."
    found = [None]
    for one in settings[1:]:
        try: found.append(difference(one, settings[0], split, choices))
        except InputError as e: found.append(dict(value=None, low=None, high=None, p=None, reason=str(e)))
    adjusted = holm([f and f['p'] for f in found])
    return [f and dict(f, holm=h) for f, h in zip(found, adjusted, strict=True)]


def best(settings, planned):
    """Which of the settings' `measured` valid has the highest mean AUROC, of those with the most of their `planned` repetitions finished:
    what failed for one seed is not chosen for its luck with the others. None where no AUROC is defined."""
    done = [len(s['n'])/p if p else 0 for s, p in zip(settings, planned, strict=True)]
    mean = [s['metrics']['auroc']['mean'] for s in settings]
    able = [i for i, d in enumerate(done) if d == max(done) and mean[i] is not None]
    return max(able, key=lambda i: mean[i], default=None)


