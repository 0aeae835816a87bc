"From a run's predictions to everything its report says, in one JSON-serialisable mapping."
from dataclasses import asdict, replace

from ..errors import InputError
from .calibration import calibration_measures
from .calibrators import apply, choose_calibrator
from .ensembles import disagreement
from .intervals.bootstrap import stated
from .intervals.counts import ONE_CLASS, checked, confusion
from .intervals.estimates import about, balanced, blocks, reason
from .intervals.levels import of_auroc
from .settings import Settings
from .subgroups import subgroups
from .thresholds import choose, operating_points
from .uncertainty import uncertainty

COLUMNS = ('path', 'patient', 'split', 'label', 'probability')


def check_predictions(predictions, needed=('valid', 'test')):
    "`predictions` itself; `InputError` unless its columns, splits, labels and probabilities are such that they can be evaluated."
    if missing := [c for c in COLUMNS if c not in predictions]:
        raise InputError(f'predictions lack the column {missing[0]!r}; needed are {", ".join(COLUMNS)}')
    if missing := set(needed) - set(predictions['split']):
        raise InputError(f'predictions have no row of split {min(missing)!r}; needed are {" and ".join(map(repr, needed))}')
    if (twice := predictions['path'].duplicated()).any():
        raise InputError(f'{twice.sum()} rows repeat a path, the first is {predictions["path"][twice].iloc[0]!r}; give one row an image')
    if (nobody := predictions['patient'].isna()).any():
        raise InputError(f'{nobody.sum()} of {len(predictions)} rows name no patient; name one for every image')
    checked(predictions['label'], predictions['probability'])
    return predictions


def view_scores(
    test,   # rows to score: path
    views,  # view by path
    train,  # the training split: view, label
):
    """`(scores [n], unseen)`: an image scores the prevalence among training images of its view.

    A view that is not stated counts as a view of its own; one that training never saw scores the prevalence of the whole split, and
    `unseen` counts those images.
    """
    if views.index.has_duplicates: raise InputError('the views name a path twice; give one view for each path')
    if train.empty: raise InputError('the training table has no rows; give the view and the label of every training image')
    prevalence = train['label'].groupby(train['view'].astype(object).fillna('not stated')).mean()
    view = views.reindex(test['path']).astype(object).fillna('not stated')
    scores = view.map(prevalence).astype(float).fillna(float(train['label'].mean()))
    return scores.to_numpy(), int((~view.isin(prevalence.index)).sum())


def view_baseline(
    test,   # rows to score: path, patient, label
    views, train,  # as for `view_scores`
):
    "AUROC on `test` of the view alone, and how many images have a view that training never saw."
    scores, unseen = view_scores(test, views, train)
    y, p = checked(test['label'], scores)
    return dict(auroc=stated(*of_auroc(test['patient'], y, p), reason('auroc', *confusion(y, p))), unseen=unseen)


def _warnings(predictions):
    "What a reader has to know before trusting the numbers, a sentence each."
    valid, test = (predictions[predictions['split'] == s] for s in ('valid', 'test'))
    if shared := set(valid['patient']) & set(test['patient']):
        yield f'Patients with images in valid and in test: {len(shared)}. The test is not independent.'
    if valid['label'].nunique() < 2: yield 'The images of valid are all of one class: no threshold could be chosen on them, 0.5 stands in.'


def chosen(valid, choices, where='valid'):
    "The threshold and the rule it was chosen by, on these rows alone; 0.5 where the rule has no answer."
    value, words, why = choose(valid['label'], valid['probability'], choices.rule, choices)
    if value is not None: return dict(value=value, rule=f'{words} on {where}')
    return dict(value=0.5, rule=f'0.5, {where} has one class only' if why == ONE_CLASS else f'0.5, on {where} {why}')


def calibrator(valid, class_weights, choices):
    return choose_calibrator(valid['label'], valid['probability'], valid['patient'], class_weights, seed=choices.seed)


def calibrated(found, test, choices):
    "`found`, what `choose_calibrator` says of valid, and `calibration_measures` of test before and after it."
    after = test.assign(probability=apply(found['chosen'], test['probability']))
    return dict(found, **{k: calibration_measures(t, choices.seed) for k, t in (('before', test), ('after', after))})


def always(share):
    "What calling every image alike scores, where `share` of them has pneumonia."
    return dict(always=int(share >= 0.5), accuracy=max(share, 1 - share), auroc=0.5)


def _baseline(test, share, views, train):
    return always(share) | ({} if views is None else dict(view=view_baseline(test, views, train)))


def facts(predictions, cohort, views, train):
    "`views`, `train` (from the cohort where not given and any view is stated) and the view of each test image [n], or None."
    if (views is None) != (train is None): raise InputError('views and train are given together or not at all; one of them is missing')
    if views is None and cohort is not None and cohort['view'].notna().any():
        train = cohort[cohort['split'] == 'train']
        views, train = (None, None) if train.empty else (cohort.set_index('path')['view'], train)
    if views is None: return None, None, None
    if views.index.has_duplicates: raise InputError('the views name a path twice; give one view for each path')
    test = predictions.loc[predictions['split'] == 'test', 'path']
    return views, train, views.reindex(test).astype(object).fillna('not stated').to_numpy()


def evaluate(
    predictions,         # columns path, patient, split ('valid' or 'test'), label (0 or 1), probability of pneumonia
    n_boot=None,         # resamples of patients, in place of those of `choices`
    seed=None,           # likewise
    views=None,          # view by path, to compare with what the view alone tells; needs `train`
    train=None,          # the training split: columns view, label
    cohort=None,         # every image of the run as `subgroups.read_split` gives it; views and train follow from it
    class_weights=None,  # of negatives and of positives in the training loss, or None
    choices=None,        # a `Settings`, its defaults unless given
    members=None,        # by source, as `runs.tables.read_members` gives them
    calibrate=None,      # in place of `choose_calibrator`: of valid, class weights, choices
    where='valid',       # what valid is, for the words of the threshold's rule
):
    """threshold, valid, test, baseline, balanced, operating_points, calibration, uncertainty, subgroups, choices and warnings.

    The threshold is chosen on valid and applied to test, so the numbers of valid at it are optimistic. A metric is a mapping of value,
    low and high (95%), with a reason where there is none. All of it is plain JSON.
    """
    given = {k: v for k, v in dict(n_boot=n_boot, seed=seed).items() if v is not None}
    choices, check = replace(choices or Settings(), **given), in_order(check_predictions(predictions))
    views, train, view = facts(check, cohort, views, train)
    valid, test = (check[check['split'] == s] for s in ('valid', 'test'))
    metrics = results(valid, test, chosen(valid, choices, where), choices)
    metrics['baseline'] = _baseline(test, metrics['test']['prevalence'], views, train)
    metrics['calibration'] = calibrated((calibrate or calibrator)(valid, class_weights, choices), test, choices)
    metrics['uncertainty'] = uncertainty(valid, test, metrics['threshold']['value'], choices, view)
    metrics['uncertainty'] |= {source: disagreement(valid, test, table, metrics['threshold']['value'], source, choices)
                               for source, table in (members or {}).items()}
    metrics['subgroups'] = dict(reason=NO_COHORT) if cohort is None else subgroups(test, cohort, metrics['threshold']['value'], choices)
    return dict(metrics, choices=asdict(choices), warnings=list(_warnings(check)))


NO_COHORT = 'not defined, because no table of the images (split.csv) was given'


def in_order(predictions):
    "From the highest probability down: the resampling has nothing left to sort, and no number depends on the order of the file."
    return predictions.sort_values(['probability', 'path'], ascending=[False, True], ignore_index=True)


def results(valid, test, threshold, choices):
    "threshold, valid, test, balanced and operating_points."
    found = blocks(valid, {'valid': threshold['value']}, choices.n_boot, choices.seed, choices.prevalence)
    return dict(threshold=threshold, **found, **on_test(test, threshold, choices),
                operating_points=operating_points(valid, test, choices))


def on_test(test, threshold, choices):
    "test (at_threshold and at_0.5) and balanced (the same at a prevalence of one half)."
    at = {'at_threshold': threshold['value'], 'at_0.5': 0.5}
    found = blocks(test, at, choices.n_boot, choices.seed, choices.prevalence)
    return dict(test=dict(about(test), **found), balanced=balanced(test, found, choices.n_boot, choices.seed))
