"What the model does not know: conformal prediction sets, leaving the uncertain to a radiologist, and how far an ensemble disagrees."
import numpy as np

from ..errors import InputError
from .calibrators import logit
from .intervals.bootstrap import four, stated
from .intervals.counts import NO_IMAGE, checked, confusion, ratio
from .intervals.estimates import OF, reason
from .intervals.levels import of_sums
from .metrics import rates

SETS = ('neither', 'no pneumonia', 'pneumonia', 'both')  # by 1 for class 0 in the set plus 2 for class 1
REFERRED = (0., .05, .1, .2, .3, .5)
POINTS = 101  # of the risk-coverage curve
GIVEN = 'recall', 'specificity', 'accuracy'


def fit_conformal(
    y, p,            # of valid
    error_rate=0.1,  # the share of each class whose set may lack its class
):
    """error_rate; limit, n, expected (`expected_coverage`) by class ('0', '1'): class-conditional split conformal prediction (Vovk 2012).

    A class is in the set where 1 less its probability is at most its limit: the ceil((n + 1)(1 - error_rate))-th smallest of that on
    the n images of the class, or 1, always in, where n is too small for the rate. On average over such sets of images, exchangeable
    images of a class are covered with a probability of at least 1 - error_rate and, ties apart, at most 1/(n + 1) more. Several images
    of one patient are not quite exchangeable. Plain JSON.
    """
    y, p = checked(y, p)
    if not 0 < error_rate < 1: raise InputError(f'the error rate is {error_rate}; give a share above 0 and below 1, such as 0.1')
    limit, n = {}, {}
    for c in (0, 1):
        scores = np.sort((1 - p if c else p)[y == c])
        k = limiting(len(scores), error_rate)
        limit[str(c)], n[str(c)] = (float(scores[k - 1]) if k <= len(scores) else 1.), len(scores)
    return dict(error_rate=float(error_rate), limit=limit, n=n, expected={c: expected_coverage(v, error_rate) for c, v in n.items()})


def limiting(n, error_rate): return int(np.ceil((n + 1)*(1 - error_rate) - 1e-9))


def expected_coverage(n, error_rate):
    """Of a limit from n independent images: mean, the middle 95% (low, high) and the probability of being below 1 - error_rate.

    The coverage of one limit has the law Beta(k, n + 1 - k) for the k-th smallest of n (Vovk 2012).
    """
    from scipy.stats import beta
    k = limiting(n, error_rate)
    if k > n: return dict(mean=1., low=1., high=1., below=0.)
    law = beta(k, n + 1 - k)
    found = dict(mean=law.mean(), low=law.ppf(.025), high=law.ppf(.975), below=law.cdf(1 - error_rate))
    return {name: float(v) for name, v in found.items()}


def conformal_sets(
    fitted,  # as `fit_conformal` returns it
    p,
):
    "Whether each class is in the set of each image, [n, 2] of bool."
    p = np.asarray(p, dtype=float)
    return np.stack([p <= fitted['limit']['0'], 1 - p <= fitted['limit']['1']], axis=1)


def set_codes(fitted, p):
    "Of each image the place of its set in `SETS` [n]."
    return conformal_sets(fitted, p)@[1, 2]


def coverage(covered, groups, patient):
    "For each name of `groups` (rows [n] of bool by name): n and the share of its images that are covered, with its interval."
    masks = {k: np.asarray(m, dtype=bool) for k, m in groups.items()}
    columns = np.stack([column for m in masks.values() for column in (m, m & covered)], axis=1)
    def shares(s): return {k: ratio(s[:, 2*i + 1], s[:, 2*i]) for i, k in enumerate(masks)}
    groups = {k: ((2*i,),) for i, k in enumerate(masks)}  # the patients that have images there
    intervals, here = of_sums(patient, columns, shares, groups), shares(columns.sum(0, keepdims=True))
    return {k: dict(n=int(m.sum()), coverage=stated(here[k][0], intervals[k], NO_IMAGE)) for k, m in masks.items()}


def conformal(
    fitted,          # `fit_conformal` of valid
    test,            # columns patient, label, probability
    view=None,       # of each row of test [n]; None for not known
):
    "fitted, by_class and by_view (coverage on test) and sets: how often each set is given, by true class."
    error_rate = fitted['error_rate']
    y, p = checked(test['label'], test['probability'])
    sets = conformal_sets(fitted, p)
    covered, code = sets[np.arange(len(y)), y], set_codes(fitted, p)
    by_class = dict(all=np.ones(len(y)), **{'no pneumonia': y == 0, 'pneumonia': y == 1})
    out = dict(fitted=fitted, by_class=coverage(covered, by_class, test['patient']),
               sets=[dict(set=name, **{t: int((code[rows] == i).sum()) for t, rows in by_truth(y)}) for i, name in enumerate(SETS)])
    if too_few := [c for c in ('0', '1') if (fitted['n'][c] + 1)*error_rate < 1]:
        out['note'] = f'valid has too few images of class {" and ".join(too_few)} for this error rate: that class is in every set'
    if view is None: return dict(out, by_view=None)
    views = {f'{v}, {t}': (view == v) & rows for v in np.unique(view.astype(str)) for t, rows in by_truth(y)}
    return dict(out, by_view=coverage(covered, views, test['patient']))


def by_truth(y): return (('no pneumonia', y == 0), ('pneumonia', y == 1))


def confidence(
    p,
    threshold,
):
    "How far each image lies from the threshold, in log-odds [n]: the smaller, the less certain the call."
    return np.abs(logit(p) - logit(threshold))


def risk_coverage(y, p, threshold):
    """coverage and risk (share of wrong calls among the surest images), at most `POINTS` each, and their area (Geifman and El-Yaniv 2017).

    Of images that are equally sure, the errors are spread evenly, so that their order in the file does not matter.
    """
    y, p = checked(y, p)
    if not len(y): return dict(coverage=[], risk=[], area=None, reason=f'not defined, because {NO_IMAGE}')
    sure, wrong = confidence(p, threshold), ((p >= threshold) != y).astype(float)
    _, group, count = np.unique(-sure, return_inverse=True, return_counts=True)
    errors = np.repeat(np.bincount(group, weights=wrong)/count, count).cumsum()
    n = np.arange(1, len(y) + 1)
    at = np.unique(np.linspace(0, len(y) - 1, min(POINTS, len(y))).round().astype(int))
    return dict(coverage=(n[at]/len(y)).tolist(), risk=(errors[at]/n[at]).tolist(), area=float((errors/n).mean()))


def cut_at(sure, share):
    """The confidence below which at most that share of these images lies, midway between the last to go and the first to stay.

    Of those equally sure all stay.
    """
    lost = int(np.floor(share*len(sure) + 1e-9))
    return np.sort(sure)[lost - 1:lost + 1].mean() if lost else -np.inf


def referral(
    valid, test,  # columns patient, label, probability
    threshold, shares=REFERRED,
    sure=None,  # how sure each call is, of valid and of test; by `confidence` unless given
):
    "`referred` of test, each share asked cut where it is reached on valid."
    sure = sure or [confidence(rows['probability'], threshold) for rows in (valid, test)]
    return referred(test, threshold, {asked: cut_at(sure[0], asked) for asked in shares}, sure[1])


def referred(test, threshold, cuts, sure):
    """For each share asked: cut (None: none), referred (reached on test, where an image goes whose confidence is below the cut), n (left
    to the model) and accuracy, recall and specificity of those, with intervals."""
    (y, p), out = checked(test['label'], test['probability']), []
    for asked, cut in cuts.items():
        kept = sure >= cut
        columns, counts = four(y, p, threshold)*kept[:, None], confusion(y[kept], p[kept], threshold)
        here, intervals = rates(*counts), of_sums(test['patient'], columns, lambda s: rates(*s.T), {k: OF[k] for k in GIVEN})
        out.append(dict(asked=asked, cut=None if cut == -np.inf else float(cut), referred=float(1 - kept.mean()) if len(y) else None,
                        n=int(kept.sum()), **{k: stated(here[k], intervals[k], reason(k, *counts)) for k in GIVEN}))
    return out


def entropy(p):
    "Of a yes-or-no outcome, in nats; 0 at 0 and at 1."
    p = np.asarray(p, dtype=float)
    return -sum(q*np.log(np.where(q > 0, q, 1)) for q in (p, 1 - p))


def members_of(probabilities):
    "As float64 [members, n]; `InputError` unless it is such an array of probabilities."
    p = np.asarray(probabilities, dtype=float)
    if p.ndim != 2 or not len(p): raise InputError(f'probabilities have shape {p.shape}; give (members, n)')
    if not ((p >= 0) & (p <= 1)).all(): raise InputError('some probabilities are not in [0, 1]; apply a softmax')
    return p


def mutual_information(probabilities):
    """How far the members of an ensemble disagree on each image, in nats [n]: entropy of their mean less the mean of their entropies.

    0 where all say the same, log 2 at most. `probabilities` are (members, n) (Houlsby et al. 2011; Lakshminarayanan et al. 2017).
    """
    p = members_of(probabilities)
    return np.maximum(entropy(p.mean(0)) - entropy(p).mean(0), 0)  # rounding may leave -1e-17


def uncertainty(
    valid, test, threshold,
    choices,    # a `Settings`
    view=None,
):
    "conformal, risk_coverage and referral of test."
    fitted = fit_conformal(valid['label'], valid['probability'], choices.error_rate)
    return dict(conformal=conformal(fitted, test, view),
                risk_coverage=risk_coverage(test['label'], test['probability'], threshold),
                referral=referral(valid, test, threshold))
