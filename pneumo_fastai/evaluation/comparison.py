"Two models on the same test images: paired differences over patients, and DeLong's test, which allows for several images of a patient."
import numpy as np

from ..errors import InputError
from .intervals.bootstrap import bootstrap, stated, weighted
from .intervals.clustered import auroc_influence, covariance
from .intervals.counts import checked, confusion
from .intervals.estimates import about, blocks, reason
from .metrics import EVERY, measure
from .settings import Settings
from .thresholds import choose


def delong(
    patient, y,  # of each image [n]
    *probabilities,  # of each model, all for the same images, [n] each
):
    """`(auroc [models], covariance [models, models])` (DeLong, DeLong and Clarke-Pearson 1988; over patients, Obuchowski 1997), None
    unless each class has images of two patients."""
    y, patient = np.asarray(y), np.asarray(patient)
    if min(len(set(patient[y == k])) for k in (0, 1)) < 2: return None
    found = [auroc_influence(*checked(y, p)) for p in probabilities]
    return np.array([auroc for auroc, _ in found]), covariance(patient, y, [influence for _, influence in found])


def delong_test(patient, y, a, b):
    """difference (a - b) of AUROC, standard_error, low, high (95%), z and p (two-sided).

    A `reason` in place of z and p where the difference has no variance, as between models that rank every image alike.
    """
    from scipy.stats import norm
    found, empty = delong(patient, y, a, b), dict(difference=None, standard_error=None, low=None, high=None, z=None, p=None)
    if found is None: return dict(empty, reason='not defined, because a class has images of fewer than two patients')
    (first, second), cov = found
    difference, error = float(first - second), float(np.sqrt(max(0, cov[0, 0] + cov[1, 1] - 2*cov[0, 1])))
    if error < 1e-12:
        why = 'not defined, because the difference does not vary: the two rank every pair of images alike, or both rank without error'
        return dict(empty, difference=difference, standard_error=0., reason=why)
    half, z = float(norm.ppf(.975)*error), difference/error
    return dict(empty, difference=difference, standard_error=error, low=difference - half, high=difference + half, z=z,
                p=float(2*norm.sf(abs(z))))


def paired(a, b, split='test'):
    "Rows of the split by path, in one order, with `probability_a` and `probability_b`; `InputError` unless both have the same images."
    a, b = (t[t['split'] == split].set_index('path').sort_index() for t in (a, b))
    if differ := set(a.index) ^ set(b.index):
        raise InputError(f'the {split} sets differ in {len(differ)} images, one is {min(differ)!r}; '
                         'compare runs with one split of one data set')
    for column in ('label', 'patient'):
        if (other := a[column].to_numpy() != b[column].to_numpy()).any():
            raise InputError(f'{other.sum()} images have another {column} in the two runs, one is {a.index[other][0]!r}; '
                             'evaluate both anew')
    return a[['patient', 'label']].assign(probability_a=a['probability'], probability_b=b['probability']).reset_index()


def chosen_threshold(predictions, choices):
    "By `choices.rule` on valid; 0.5 where it has no answer."
    valid = predictions[predictions['split'] == 'valid']
    threshold = choose(valid['label'], valid['probability'], choices.rule, choices)[0]
    return 0.5 if threshold is None else threshold


def differences(rows, thresholds, choices):
    "Each metric of a minus that of b, with a paired bootstrap: both are weighed by the same draws of patients."
    y = rows['label'].to_numpy()
    pa, pb = (rows[f'probability_{k}'].to_numpy() for k in 'ab')
    ta, tb = thresholds

    def both(w):
        first, second = weighted(y, pa, w, ta), weighted(y, pb, w, tb)
        return {k: first[k] - second[k] for k in EVERY}
    intervals, first, second = bootstrap(rows['patient'], both, choices.n_boot, choices.seed), measure(y, pa, ta), measure(y, pb, tb)
    out = {}
    for k in EVERY:
        of = next((m for m in ((pa, ta, first), (pb, tb, second)) if m[2][k] is None), None)
        why = reason(k, *confusion(y, of[0], of[1])) if of else None
        out[k] = stated(None if of else first[k] - second[k], intervals[k], why)
    return out


def compare(
    predictions_a,  # as `runs.tables.read_predictions` gives them: valid and test
    predictions_b,  # of another model on the same test images; its valid may differ
    choices=None,   # a `Settings`, its defaults unless given
):
    """n, patients, positives, prevalence of test; `a` and `b` (`blocks` at each one's own threshold, chosen on its valid, and at 0.5);
    `difference` (a minus b, at_threshold and at_0.5, every metric with a paired interval) and `delong` for the AUROC."""
    choices = choices or Settings()
    rows = paired(predictions_a, predictions_b)
    own = [chosen_threshold(t, choices) for t in (predictions_a, predictions_b)]
    sides = {}
    for side, threshold in zip('ab', own, strict=True):
        table = rows[['patient', 'label']].assign(probability=rows[f'probability_{side}'])
        sides[side] = blocks(table, {'at_threshold': threshold, 'at_0.5': .5}, choices.n_boot, choices.seed, choices.prevalence)
    return dict(about(rows), **sides,
                difference={'at_threshold': differences(rows, own, choices), 'at_0.5': differences(rows, (.5, .5), choices)},
                delong=delong_test(rows['patient'], rows['label'], rows['probability_a'], rows['probability_b']))
