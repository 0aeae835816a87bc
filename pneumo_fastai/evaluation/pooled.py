"What the folds of a cross-validation say together: each image measured once, by the one network that never saw its person."
import json
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError
from ..experiment import load_experiment
from ..tables import csv_text
from .blocks import about, blocks
from .calibration import apply, choose_calibrator
from .choices import Choices
from .folder import FOLD, Run, altered, class_weights, read_json, read_run, refuse, write
from .intervals import stated
from .levels import of_auroc
from .metrics import EVERY, auroc
from .metrics import measure as measured
from .reliability import calibration_measures
from .subgroups import subgroups
from .summary import always, chosen, in_order, view_scores

COLUMNS = ['path', 'person', 'split', 'label', 'probability', 'fold', 'called', 'threshold', 'calibrated']
FROM = 'the out-of-fold probabilities of single networks'


@dataclass
class CrossValidation(Run):
    "`predictions` are the test rows of every fold, with `fold` from 1; the cohort's split is the fold that tests the image."
    folds:tuple = ()  # a `Run` each

    @property
    def splits(self): return [f'fold {k}' for k in range(1, len(self.folds) + 1)]


def read_folds(
    folder,       # that fit --folds wrote
    force=False,  # as for `read_run`, of each fold and of the folder's own files
) -> CrossValidation:
    "Raises `InputError` where a fold is not finished or not as it was, or where the folds do not test each image once."
    folder = Path(folder)
    changed = altered(folder)
    if not force: refuse(folder, changed)
    experiment = load_experiment(folder/'experiment.toml')[1]
    places = {k: folder/f'fold-{k}' for k in range(1, experiment.folds + 1)}
    if missing := [k for k, place in places.items() if not place.is_dir()]: raise InputError(unfinished(folder, missing, experiment.folds))
    runs = [read_run(place, force) for place in places.values()]
    first, rows = runs[0], pd.concat([r.predictions.query('split == "test"').assign(fold=k) for k, r in enumerate(runs, 1)])
    check_once(folder, rows, first.cohort)
    fold = first.cohort['path'].map(rows.set_index('path')['fold'])
    name = f'{FOLD.sub("", first.name)}, {len(runs)}-fold cross-validation'
    return CrossValidation(folder, name, first.data, rows.reset_index(drop=True), first.cohort.assign(split=[f'fold {k}' for k in fold]),
                           first.history.iloc[:0], first.rejected, experiment, environment(runs),
                           doubts=[*changed, *(f'{r.folder.name}: {doubt}' for r in runs for doubt in r.doubts)], folds=tuple(runs))


def unfinished(folder, missing, folds):
    "The line that says which folds are missing and what would train them."
    which = f'fold{"s" if len(missing) > 1 else ""} {", ".join(map(str, missing))} of {folds}'
    begun = sorted(folder.glob('fold-*/environment.json'))  # a fold that was interrupted says it too
    command = read_json(begun[0]).get('command') if begun else None
    resume = f' --resume {shlex.quote(str(folder))}'
    if not command: return f'{folder} lacks {which}; train the rest by the same fit command with{resume}'
    return f'{folder} lacks {which}; train the rest by: {command}' + ('' if '--resume' in command else resume)


def check_once(folder, rows, cohort):
    "`InputError` unless each image of the cohort is in the test split of one fold."
    if (twice := rows['path'].duplicated()).any():
        raise InputError(f'{twice.sum()} images are tested by two folds of {folder}, one is {rows["path"][twice].iloc[0]!r}; '
                         'train the folds anew with fit')
    if lost := set(cohort['path']) ^ set(rows['path']):
        raise InputError(f'{len(lost)} images are not both in the cohort and in the test of a fold of {folder}, one is {min(lost)!r}; '
                         'train the folds anew with fit')


def environment(runs):
    "The folds' as one; where they differ, as after an interruption, every value is named."
    def one(found): return ', '.join(dict.fromkeys(str(v) for v in found if v is not None))
    all_of = [r.environment for r in runs]
    out = {k: one(e.get(k) for e in all_of) for k in all_of[0] if k not in ('data', 'experiment', 'packages', 'command')}
    packages = [e.get('packages', {}) for e in all_of]
    commands = dict.fromkeys(e.get('command', 'not stated') for e in all_of)
    return dict(out, command='\n'.join(commands), packages={k: one(o.get(k) for o in packages) for k in packages[0]})


def tested(run, k, choices):
    "`(rows, facts)` of fold k: its test rows, called and calibrated by what its own valid chose, and what that was."
    rows = in_order(run.predictions)
    valid, test = (rows[rows['split'] == s] for s in ('valid', 'test'))
    threshold = chosen(valid, choices)
    calibrator = choose_calibrator(valid['label'], valid['probability'], valid['person'], class_weights(run), seed=choices.seed)['chosen']
    out = test.assign(fold=k, called=(test['probability'] >= threshold['value']).astype(int), threshold=threshold['value'],
                      calibrated=apply(calibrator, test['probability']))
    images = {s: int((run.cohort['split'] == s).sum()) for s in run.splits}
    return out, dict(about(test), fold=k, images=images, rule=threshold['rule'], calibrator=calibrator) | \
        measured(test['label'], test['probability'], threshold['value'])


def measure(cv, choices=None):
    "cv.json and out_of_fold.csv from a `CrossValidation`; returns what the former holds."
    choices = choices or Choices()
    parts = [tested(run, k, choices) for k, run in enumerate(cv.folds, 1)]
    rows = in_order(pd.concat([rows for rows, _ in parts]))
    result = together(cv, rows, [facts for _, facts in parts], choices)
    write(cv.folder/'out_of_fold.csv', csv_text(rows[COLUMNS].sort_values('path'), float_format='%.8g'))
    write(cv.folder/'cv.json', json.dumps(result, indent=1, allow_nan=False))
    return result


def together(
    cv,
    rows,    # of `tested`, all folds
    folds,   # the facts of `tested`, one a fold
    choices,
):
    """metrics: for each of `EVERY` by_fold, mean, sd and pooled; by_fold: what each fold chose and found; test: the rows of all folds,
    each called at its own fold's threshold, and at 0.5; their calibration, subgroups and baseline; ensemble: what `predict` uses."""
    own = rows['threshold'].to_numpy()
    test = dict(about(rows), **blocks(rows, {'at_threshold': own, 'at_0.5': .5}, choices.n_boot, choices.seed, choices.prevalence))
    table = {m: [f[m] for f in folds] for m in EVERY}
    metrics = {m: dict(by_fold=v, **spread(v), pooled=test['at_threshold'][m]) for m, v in table.items()}
    result = dict(folds=len(folds), data=cv.data['name'], synthetic=cv.synthetic, n=test['n'], persons=test['persons'],
                  prevalence=test['prevalence'], metrics=metrics, by_fold=folds, test=test,
                  auroc_within_folds=within(rows, rows['probability']), baseline=baseline(cv, rows),
                  calibration=calibration(rows, choices), subgroups=subgroups(rows, cv.cohort, own, choices),
                  ensemble=ensemble(cv, rows, choices), choices=asdict(choices))
    return dict(result, warnings=list(warnings(cv, result)))


def spread(values) -> dict:
    "Mean and standard deviation over the folds in which a metric is defined; None where there are too few."
    v = np.array([x for x in values if x is not None])
    return dict(mean=float(v.mean()) if len(v) else None, sd=float(v.std(ddof=1)) if len(v) > 1 else None)


def within(rows, scores):
    "AUROC over the pairs of images of one fold, which one network scored: networks need not share a scale (Parker et al. 2007)."
    return stated(*of_auroc(rows['person'], rows['label'], scores, rows['fold'].to_numpy()), 'no fold has images of both classes')


def baseline(cv, rows):
    "Of calling all images alike; and, where views are stated, of the view alone, by the prevalence in each fold's train."
    found, views = always(float(rows['label'].mean())), cv.cohort.set_index('path')['view']
    trains = [run.cohort.query('split == "train"') for run in cv.folds]
    if views.isna().all() or any(t.empty for t in trains): return found
    parts = [(rows[rows['fold'] == k], train) for k, train in enumerate(trains, 1)]
    scored = [(part.index, *view_scores(part, views, train)) for part, train in parts]
    scores = pd.concat([pd.Series(s, index=i) for i, s, _ in scored]).loc[rows.index]
    return dict(found, view=dict(auroc=within(rows, scores), unseen=sum(u for *_, u in scored)))


def calibration(rows, choices):
    "`calibration_measures` before and after each fold's own calibrator, and the pooled AUROC of both, which the folds' scales may move."
    after = rows.assign(probability=rows['calibrated'])
    return dict(chosen=dict(method="each fold's own"), auroc=[auroc(t['label'], t['probability']) for t in (rows, after)],
                **{k: calibration_measures(t, choices.seed) for k, t in (('before', rows), ('after', after))})


def ensemble(cv, rows, choices):
    "threshold and calibration of the folds' networks as one model, chosen on probabilities of single networks: there are no others."
    weights = class_weights(cv, rows['label'])
    return dict(members=len(cv.folds), threshold=chosen(rows, choices, FROM),
                calibration=choose_calibrator(rows['label'], rows['probability'], rows['person'], weights, seed=choices.seed))


def warnings(cv, result):
    "What a reader has to know before trusting the numbers, a sentence each."
    for f in result['by_fold']:
        if f['rule'].startswith('0.5'): yield f'Fold {f["fold"]}: the threshold is {f["rule"]}.'
    yield from cv.doubts
    for run in cv.folds[1:]:
        differ = [k for k, v in run.environment.get('packages', {}).items() if v != cv.folds[0].environment.get('packages', {}).get(k)]
        if differ: yield f'{run.fold or run.folder.name} was trained with another version of {", ".join(differ)} than fold 1.'
