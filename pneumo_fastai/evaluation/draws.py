"What n patients are worth, drawn again and again: of each draw the adaptation is fitted to its patients and measured on all others."
from collections import Counter

import numpy as np

from .adaptation import LEAST, choose_recalibrator, drawn, measured, shifted, threshold_of
from .calibrators import apply
from .prevalence import saerens

SIZES = 25, 50, 100, 200
BEFORE, BLIND, SHARE, AFTER = 'before', 'without_labels', 'with_labels', 'after'
HELPS, NOT, HARMS = 'helps', 'does not help', 'harms'
JUDGED = 'log_loss', 'ece', 'off'  # the less the better


def repeated(
    table,    # columns patient, label, probability
    own, choices,
    draws=50,
    sizes=SIZES,
):
    """A row of each of `sizes` that leaves `LEAST` patients to measure on: n, draws, images (mean), one_class (draws that hold one class
    alone, where the run's own calibrator and threshold stay), kept (draws by name of `adaptation.WORDS`), prevalence (true, of all others,
    with_labels, without_labels), and by way (before, without_labels, with_labels, after) the `over` of what `adaptation.measured` says;
    change: of each way but the first, the `change` from before of `JUDGED`."""
    y, p, patient = (table[k].to_numpy() for k in ('label', 'probability', 'patient'))
    most = len(set(patient)) - LEAST
    return [of_size(n, [one(y, p, patient, n, [choices.seed, n, k], own, choices) for k in range(draws)])
            for n in sorted(set(sizes)) if n <= most]


def one(y, p, patient, n, seed, own, choices):
    "What one draw says."
    inside = drawn(patient, y, n, seed)
    (a, b), (pa, pb), here = (y[inside], y[~inside]), (p[inside], p[~inside]), float(y[inside].mean())
    found = choose_recalibrator(a, pa, patient[inside], own, choices.seed)
    blind = saerens(apply(own['calibrator'], pa), own['prevalence'])[0]
    both = 0 < here < 1
    calibrators = {BEFORE: own['calibrator'], BLIND: shifted(own, blind), SHARE: shifted(own, here) if both else own['calibrator'],
                   AFTER: found['chosen']}
    threshold = threshold_of(a, pa, own, choices)
    told = dict(kept=found['kept'], images=len(a), one_class=not both, true=float(b.mean()), shares={BLIND: blind, SHARE: here})
    return told | {k: measured(b, pb, c, threshold if k == AFTER else own['threshold'], choices) for k, c in calibrators.items()}


def over(values):
    "mean, standard deviation (sd, None of one) and 95% range (low, high) over draws."
    low, high = np.quantile(values, [.025, .975])
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return dict(mean=float(np.mean(values)), sd=sd, low=float(low), high=float(high))


def change(before, after):
    """`over` of the paired differences, after less before; better, the share of draws in which it fell; says: it helps where the mean
    falls by more than the standard deviation over draws, and harms where it rises by more."""
    less = np.subtract(after, before)
    found = over(less)
    sure = abs(found['mean']) > (found['sd'] or 0) + 1e-12
    return dict(found, better=float((less < 0).mean()), says=NOT if not sure else HELPS if found['mean'] < 0 else HARMS)


def of_size(n, found):
    "A row of `repeated`."
    def values(way, name): return [f[way][name] for f in found]
    return dict(n=n, draws=len(found), images=float(np.mean([f['images'] for f in found])), one_class=sum(f['one_class'] for f in found),
                kept=dict(Counter(f['kept'] for f in found).most_common()),
                prevalence=dict(true=over([f['true'] for f in found]), **{k: over(values('shares', k)) for k in (BLIND, SHARE)}),
                **{way: {name: over(values(way, name)) for name in found[0][way]} for way in (BEFORE, BLIND, SHARE, AFTER)},
                change={way: {name: change(values(BEFORE, name), values(way, name)) for name in JUDGED} for way in (BLIND, SHARE, AFTER)})
