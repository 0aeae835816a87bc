"From a run's predictions to everything its report says, in one JSON-serialisable mapping."
import pandas as pd

from ..errors import InputError
from .intervals import bootstrap, weighted
from .metrics import METRICS, auroc, checked, measure, youden_threshold

COLUMNS = ('path', 'person', 'split', 'label', 'probability')


def check_predictions(predictions):
    "`predictions` itself; `InputError` unless its columns, splits, labels and probabilities are such that they can be evaluated."
    if missing := [c for c in COLUMNS if c not in predictions]:
        raise InputError(f'predictions lack the column {missing[0]!r}; needed are {", ".join(COLUMNS)}')
    if missing := {'valid', 'test'} - set(predictions['split']):
        raise InputError(f"predictions have no row of split {min(missing)!r}; both 'valid' and 'test' are needed")
    if (twice := predictions['path'].duplicated()).any():
        raise InputError(f'{twice.sum()} rows repeat a path, the first is {predictions["path"][twice].iloc[0]!r}; give one row an image')
    if (nobody := predictions['person'].isna()).any():
        raise InputError(f'{nobody.sum()} of {len(predictions)} rows name no person; name one for every image')
    checked(predictions['label'], predictions['probability'])
    return predictions


def read_predictions(path):
    "The table of `predictions.csv`: path, person, split, label, probability; `InputError` where it is absent or cannot be evaluated."
    try: return check_predictions(pd.read_csv(path, dtype=dict(path=str, person=str, split=str)))
    except FileNotFoundError: raise InputError(f'{path} does not exist; a finished run has one') from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as e: raise InputError(f'{path} is no table ({e}); give a CSV') from e


def _with_intervals(rows, threshold, n_boot, seed):
    "`measure` of the rows, every metric as value, low, high and the number of resamples left out."
    y, p = checked(rows['label'], rows['probability'])
    intervals = bootstrap(rows['person'], lambda w: weighted(y, p, w, threshold), n_boot, seed)
    values = measure(y, p, threshold)
    return dict(values, persons=int(rows['person'].nunique()), **{k: dict(value=values[k], **intervals[k]) for k in METRICS})


def view_baseline(
    test,   # rows to score: path, person, label
    views,  # view by path
    train,  # the training split: view, label
    n_boot=1000, seed=0,
):
    """AUROC on `test` of the view alone: an image scores the prevalence among training images of its view.

    A view that is not stated counts as a view of its own; one that training never saw scores the prevalence of the whole split, and
    `unseen` counts those images.
    """
    if views.index.has_duplicates: raise InputError('the views name a path twice; give one view for each path')
    if train.empty: raise InputError('the training table has no rows; give the view and the label of every training image')
    prevalence = train['label'].groupby(train['view'].astype(object).fillna('not stated')).mean()
    view = views.reindex(test['path']).astype(object).fillna('not stated')
    y, p = checked(test['label'], view.map(prevalence).astype(float).fillna(float(train['label'].mean())).to_numpy())
    interval = bootstrap(test['person'], lambda w: dict(auroc=weighted(y, p, w, 0.5)['auroc']), n_boot, seed)['auroc']
    return dict(auroc=dict(value=auroc(y, p), **interval), unseen=int((~view.isin(prevalence.index)).sum()))


def _warnings(predictions, metrics, n_boot):
    "What a reader has to know before trusting the numbers, a sentence each."
    valid, test = (predictions[predictions['split'] == s] for s in ('valid', 'test'))
    if shared := set(valid['person']) & set(test['person']):
        yield f'Persons with images in valid and in test: {len(shared)}, one is {min(map(str, shared))}. The test is not independent.'
    if valid['label'].nunique() < 2: yield 'The images of valid are all of one class: no threshold could be chosen on them, 0.5 stands in.'
    for name, block in dict(valid=metrics['valid'], test=metrics['test']['at_threshold']).items():
        if left := max(block[m]['left_out'] for m in METRICS if block[m]['value'] is not None):
            yield f'{name}: up to {left} of {n_boot} resamples were left out of an interval, the metric being undefined in them.'
        if same := [m for m in METRICS if block[m]['low'] is not None and block[m]['low'] == block[m]['high']]:
            yield (f'{name}: every resample gave the same {", ".join(same)}. An interval without width is no certainty: where n '
                   'independent cases show no error, up to about 3/n may still be errors (Hanley and Lippman-Hand 1983).')


def evaluate(
    predictions,   # columns path, person, split ('valid' or 'test'), label (0 or 1), probability of pneumonia
    n_boot=1000,   # resamples behind each interval
    seed=0,
    views=None,    # view by path, to compare with what the view alone tells; needs `train`
    train=None,    # the training split: columns view, label
):
    """threshold, valid, test (at_threshold and at_0.5), baseline and warnings; every metric is a mapping of value, low, high, left_out.

    The threshold is chosen on valid (Youden) and applied to test, so the numbers of valid at it are optimistic. Intervals are 95%.
    """
    check_predictions(predictions)
    if (views is None) != (train is None): raise InputError('views and train are given together or not at all; one of them is missing')
    valid, test = (predictions[predictions['split'] == s] for s in ('valid', 'test'))
    chosen = youden_threshold(valid['label'], valid['probability'])
    threshold = dict(value=chosen, rule='youden on valid') if chosen is not None else dict(value=0.5, rule='0.5, valid has one class only')
    at = {name: _with_intervals(test, t, n_boot, seed) for name, t in (('at_threshold', threshold['value']), ('at_0.5', 0.5))}
    share = at['at_0.5']['prevalence']
    baseline = dict(always=int(share >= 0.5), accuracy=max(share, 1 - share), auroc=0.5)
    if views is not None: baseline['view'] = view_baseline(test, views, train, n_boot, seed)
    metrics = dict(threshold=threshold, valid=_with_intervals(valid, threshold['value'], n_boot, seed),
                   test=dict({k: at['at_0.5'][k] for k in ('n', 'persons', 'prevalence')}, **at), baseline=baseline)
    return dict(metrics, warnings=list(_warnings(predictions, metrics, n_boot)))
