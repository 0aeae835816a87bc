"Cross-validation: a run for each person-disjoint fold, what they say together, and their networks as one model."
import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from .. import experiment as recipes
from ..data.prepare import prepare
from ..errors import InputError
from ..evaluation.calibration import choose_calibrator
from ..evaluation.folder import write
from ..evaluation.intervals import bootstrap, weighted
from ..evaluation.metrics import METRICS, youden_threshold
from ..evaluation.summary import read_predictions
from ..inference.bundle import Bundle, joined
from ..models.losses import balanced_weights
from . import run as runs
from .learner import get_learner
from .loaders import get_dls


def cross_validate(
    folder,      # the run's: a new one, or one that was interrupted
    name,        # the experiment's
    experiment,  # with `folds` of 2 or more
    cohort,      # prepared
    command,     # as typed
    progress,    # a started rich Progress
) -> dict:
    "Train what is not yet trained, each fold into fold-1/, fold-2/, ...; returns what cv.json holds. A finished fold is never touched."
    check_same(folder, experiment, cohort)
    try:
        with FileLock(folder/'lock', timeout=0): train_folds(folder, name, experiment, cohort, command, progress)
    except Timeout as e: raise InputError(f'{folder} is being trained by another process; wait for it, or leave out --resume') from e
    result = together([folder/f'fold-{k + 1}' for k in range(experiment.folds)], folder)
    export(folder, name, experiment, cohort, result)
    return result


def train_folds(folder, name, experiment, cohort, command, progress):
    "Each fold that has no folder yet: trained beside, then renamed."
    for k in range(experiment.folds):
        place, partial = folder/f'fold-{k + 1}', folder/f'fold-{k + 1}.partial'
        if place.exists(): continue
        shutil.rmtree(partial, ignore_errors=True)  # what an interruption left
        partial.mkdir()
        progress.console.print(f'fold {k + 1} of {experiment.folds}')
        one = replace(experiment, folds=0)
        learn, predictions = runs.fit_into(partial, one, prepare(cohort, experiment, fold=k), command, progress,
                                            f'{name}, fold {k + 1}')
        runs.finish(learn, predictions, partial, one)
        partial.rename(place)


def check_same(folder, experiment, cohort):
    "Write what the folds have in common; raises `InputError` where a folder to go on with was made of something else."
    parts = {'experiment.toml': recipes.toml(experiment), 'persons.csv': cohort.table[['path', 'person', 'label']].to_csv(index=False)}
    for name, text in parts.items():
        if not (folder/name).exists(): write(folder/name, text)
        elif (folder/name).read_text(encoding='utf-8') != text:
            what = 'recipe' if name == 'experiment.toml' else 'set of images'
            raise InputError(f'{folder} was begun with another {what}; give the same command and --data, or leave out --resume')


def together(folds, folder) -> dict:
    """cv.json and out_of_fold.csv: each metric's value by fold, their mean and standard deviation, and the pooled result on the
    out-of-fold predictions with its person bootstrap. Calls are at each fold's own threshold, which its valid chose."""
    frames, metrics = [], [json.loads((f/'metrics.json').read_text()) for f in folds]
    for k, (place, m) in enumerate(zip(folds, metrics, strict=True), 1):
        rows = read_predictions(place/'predictions.csv').query('split == "test"')
        frames.append(rows.assign(fold=k, called=(rows.probability >= m['threshold']['value']).astype(int)))
    pooled = pd.concat(frames).sort_values('path', ignore_index=True)
    write(folder/'out_of_fold.csv', pooled.to_csv(index=False, float_format='%.8g'))
    table = {m: [one['test']['at_threshold'][m]['value'] for one in metrics] for m in METRICS}
    rows = zip(table.items(), pooled_metrics(pooled), strict=True)
    result = dict(folds=len(folds), data=metrics[0]['data'], synthetic=metrics[0]['synthetic'], n=len(pooled),
                  persons=int(pooled.person.nunique()), prevalence=float(pooled.label.mean()),
                  metrics={m: dict(by_fold=v, **spread(v), pooled=p) for (m, v), p in rows})
    write(folder/'cv.json', json.dumps(result, indent=1))
    return result


def spread(values) -> dict:
    "Mean and standard deviation over the folds in which a metric is defined; None where there are too few."
    v = np.array([x for x in values if x is not None])
    return dict(mean=float(v.mean()) if len(v) else None, sd=float(v.std(ddof=1)) if len(v) > 1 else None)


def pooled_metrics(pooled):
    "value, low, high of each of METRICS on the out-of-fold rows."
    y, p, called = (pooled[c].to_numpy() for c in ('label', 'probability', 'called'))
    def statistic(w): return {**weighted(y, p, w, 0.5), **{k: v for k, v in weighted(y, called.astype(float), w, 0.5).items()
                                                           if k not in ('auroc', 'average_precision')}}
    intervals, values = bootstrap(pooled.person, statistic), statistic(np.ones((1, len(y))))
    for m in METRICS: yield dict(value=None if np.isnan(values[m][0]) else float(values[m][0]), **intervals[m])


def export(folder, name, experiment, cohort, result):
    "The folds' networks as one: model.pt for `predict`, learner.pkl for fastai. Its threshold is Youden's on the out-of-fold rows."
    bundles = [Bundle.load(folder/f'fold-{k + 1}') for k in range(experiment.folds)]
    pooled = pd.read_csv(folder/'out_of_fold.csv', dtype=dict(person=str))
    counts = [(pooled.label == 0).sum(), (pooled.label == 1).sum()]
    weights = balanced_weights(counts).tolist() if experiment.class_weights == 'balanced' else None
    facts = dict(experiment=f'{name}, {experiment.folds} folds', data=cohort.name, synthetic=cohort.synthetic,
                 threshold=youden_threshold(pooled.label, pooled.probability),
                 threshold_from='youden on the out-of-fold probabilities of single networks, as is the calibration',
                 calibrator=choose_calibrator(pooled.label, pooled.probability, pooled.person, weights)['chosen'])
    dls = get_dls(replace(experiment, folds=0), prepare(cohort, experiment, fold=0))  # fold 1's normalisation, as the ensemble's input
    learn = get_learner(experiment, dls, path=folder)
    learn.model = joined(bundles)
    learn.export('learner.pkl')
    state = {k: v.cpu() for k, v in learn.model.state_dict().items()}
    Bundle(state, {**bundles[0].recipe, **facts, 'members': len(bundles)}).save(folder/'model.pt')


def shown(result) -> tuple[list, list]:
    "Columns and rows of the table on screen."
    def text(x): return 'not defined' if x is None else f'{x:.3f}'
    rows = [(m, *map(text, r['by_fold']), f'{text(r["mean"])} ± {text(r["sd"])}',
             text(r['pooled']['value']) + ('' if r['pooled']['low'] is None else f' [{r["pooled"]["low"]:.2f}, {r["pooled"]["high"]:.2f}]'))
            for m, r in result['metrics'].items()]
    return ['metric', *(f'fold {k + 1}' for k in range(result['folds'])), 'mean ± sd', 'pooled, 95% interval'], rows

