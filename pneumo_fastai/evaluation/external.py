"A run's model on images from elsewhere: what the run chose on its own valid is applied to them, and nothing is fitted to them."
from dataclasses import asdict, replace

from ..errors import InputError
from .calibration import calibration_measures
from .calibrators import apply
from .intervals.counts import NO_CALL
from .intervals.estimates import blocks, rates_block, there
from .intervals.levels import of_difference
from .metrics import EVERY
from .results import always, check_predictions, chosen, in_order, on_test, view_baseline
from .settings import Settings
from .subgroups import subgroups
from .thresholds import cost_of
from .uncertainty import confidence, conformal, referred, risk_coverage

LOSSES = 'brier', 'log_loss', 'slope', 'intercept', 'in_the_large'  # of calibration, those that have an interval


def settings(own, **given):
    "The `Settings` that the run was measured with, and what was given besides; `InputError` where it was measured by an older version."
    try:
        if all('cut' in row for row in own['uncertainty']['referral']): return replace(Settings(**own['choices']), **given)
    except (KeyError, TypeError): pass
    raise InputError('the run was measured by an older version; python -m pneumo_fastai.evaluate RUN measures it anew, then this goes on')


def evaluate_elsewhere(
    predictions,  # columns path, patient, split ('test'), label, probability
    cohort,       # every image of them, as `subgroups.read_split` gives it
    own,          # metrics.json of the run, as `results.evaluate` returns it
    choices,      # of `settings`
    train=None,   # view and label of the run's training images, for what the view alone tells
):
    """What `results.evaluate` says, of test at the threshold, calibrator and limits of `own`, whose valid it repeats; and `own` (its test
    and calibration), `fitting` (a threshold chosen on these very images: optimistic), `difference` (of each metric, here less own test,
    at_threshold, and of calibration, before and after) and `expected` (precision and npv at the prevalence here, were sensitivity and
    specificity those of the run's own test). `InputError` where the images are of one class."""
    test = in_order(check_predictions(predictions, ('test',)))
    if test['label'].nunique() < 2: raise InputError(f'all {len(test)} images to measure are of one class; add images of the other')
    at, view = own['threshold']['value'], views_of(test, cohort)
    found = on_test(test, own['threshold'], choices)
    metrics = dict(threshold=own['threshold'], valid=own['valid'], **found, operating_points=points(own, test, choices))
    metrics['baseline'] = baseline(test, found['test']['prevalence'], cohort, train)
    metrics['calibration'] = calibrated(own['calibration'], test, choices)
    metrics['uncertainty'] = dict(conformal=conformal(own['uncertainty']['conformal']['fitted'], test, view),
                                  risk_coverage=risk_coverage(test['label'], test['probability'], at),
                                  referral=referral(own, test, at))
    metrics['subgroups'] = subgroups(test, cohort, at, choices)
    return dict(metrics, **beside(own, metrics, test, choices), choices=asdict(choices), warnings=[])


def views_of(test, cohort):
    "The view of each image of test [n]; None where none is stated."
    if cohort['view'].isna().all(): return None
    return cohort.set_index('path')['view'].reindex(test['path']).astype(object).fillna('not stated').to_numpy()


def baseline(test, share, cohort, train):
    "What the view alone scores is by the training images of the run; where these state none (`fitted`) by the very images measured."
    if cohort['view'].isna().all(): return always(share)
    fitted = train is None or bool(train['view'].isna().all())
    view = view_baseline(test, cohort.set_index('path')['view'], cohort if fitted else train)
    return always(share) | dict(view=view | (dict(fitted=True) if fitted else {}))


def points(own, test, choices):
    "The operating points of the run, each with what its threshold does here."
    prevalence = choices.prevalence or own['valid']['prevalence']
    def applied(point):
        block = rates_block(test, point['threshold'], choices.prevalence)
        return dict(point, test=block) | (dict(expected_cost_test=cost_of(block, choices, prevalence)) if point['rule'] == 'cost' else {})
    return [point if 'reason' in point else applied(point) for point in own['operating_points']]


def calibrated(own, test, choices):
    "How the run's calibrator was chosen, and `calibration_measures` of test before and after it."
    after = test.assign(probability=apply(own['chosen'], test['probability']))
    return dict(own, **{k: calibration_measures(t, choices.seed) for k, t in (('before', test), ('after', after))})


def referral(own, test, at):
    "Cut where the run cut its own valid."
    cuts = {row['asked']: -float('inf') if row['cut'] is None else row['cut'] for row in own['uncertainty']['referral']}
    return referred(test, at, cuts, confidence(test['probability'], at))


def beside(own, metrics, test, choices):
    "own, fitting, difference and expected, as for `evaluate_elsewhere`."
    here, was = (m['test']['at_threshold'] for m in (metrics, own))
    threshold = chosen(test, choices, 'these very images')
    block = blocks(test, {'at': threshold['value']}, choices.n_boot, choices.seed, choices.prevalence)['at']
    calibration = {k: {m: of_difference(metrics['calibration'][k][m], own['calibration'][k][m]) for m in LOSSES}
                   for k in ('before', 'after') if LOSSES[0] in metrics['calibration'][k] and LOSSES[0] in own['calibration'][k]}
    return dict(own=dict(data=own['data'], synthetic=own['synthetic'], test=own['test'],
                         calibration={k: own['calibration'][k] for k in ('before', 'after')}),
                fitting=dict(threshold, **block),
                difference=dict(at_threshold={k: of_difference(here[k], was[k]) for k in EVERY}, **calibration),
                expected=dict(prevalence=here['prevalence'], **there(was, here['prevalence'], NO_CALL)))
