"What the folds of a cross-validation say together: each image measured once, by the one network that never saw its patient."
from dataclasses import asdict

import numpy as np
import pandas as pd

from .calibration import calibration_measures
from .calibrators import apply, choose_calibrator
from .intervals.bootstrap import stated
from .intervals.estimates import about, blocks
from .intervals.levels import of_auroc
from .intervals.ranks import auroc
from .metrics import EVERY
from .metrics import measure as measured
from .results import always, chosen, in_order, view_scores
from .settings import Settings
from .subgroups import subgroups

COLUMNS = ['path', 'patient', 'split', 'label', 'probability', 'fold', 'called', 'threshold', 'calibrated']
FROM = 'the out-of-fold probabilities of single networks'


def tested(run, k, choices):
    "`(rows, facts)` of fold k: its test rows, called and calibrated by what its own valid chose, and what that was."
    rows = in_order(run.predictions)
    valid, test = (rows[rows['split'] == s] for s in ('valid', 'test'))
    threshold = chosen(valid, choices)
    calibrator = choose_calibrator(valid['label'], valid['probability'], valid['patient'], run.class_weights(), seed=choices.seed)['chosen']
    out = test.assign(fold=k, called=(test['probability'] >= threshold['value']).astype(int), threshold=threshold['value'],
                      calibrated=apply(calibrator, test['probability']))
    images = {s: int((run.cohort['split'] == s).sum()) for s in run.splits}
    return out, dict(about(test), fold=k, images=images, rule=threshold['rule'], calibrator=calibrator) | \
        measured(test['label'], test['probability'], threshold['value'])


def evaluate_folds(cv, settings=None):
    "`(result, rows)` of a cross-validation: what cv.json holds, as `together` gives it, and the test images of all folds."
    settings = settings or Settings()
    parts = [tested(run, k, settings) for k, run in enumerate(cv.folds, 1)]
    rows = in_order(pd.concat([rows for rows, _ in parts]))
    return together(cv, rows, [facts for _, facts in parts], settings), rows[COLUMNS].sort_values('path')


def calibrated_folds(cv, settings=None):
    "The test rows of all folds, each with its probability as it came and calibrated by what its fold's own valid chose."
    settings = settings or Settings()
    return pd.concat([tested(run, k, settings)[0] for k, run in enumerate(cv.folds, 1)], ignore_index=True)


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
    result = dict(folds=len(folds), data=cv.data['name'], synthetic=cv.synthetic, n=test['n'], patients=test['patients'],
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
    return stated(*of_auroc(rows['patient'], rows['label'], scores, rows['fold'].to_numpy()), 'no fold has images of both classes')


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
    return dict(members=len(cv.folds), threshold=chosen(rows, choices, FROM),
                calibration=choose_calibrator(rows['label'], rows['probability'], rows['patient'], cv.class_weights(), seed=choices.seed))


def warnings(cv, result):
    "What a reader has to know before trusting the numbers, a sentence each."
    for f in result['by_fold']:
        if f['rule'].startswith('0.5'): yield f'Fold {f["fold"]}: the threshold is {f["rule"]}.'
    yield from cv.doubts
    for run in cv.folds[1:]:
        differ = [k for k, v in run.environment.get('packages', {}).items() if v != cv.folds[0].environment.get('packages', {}).get(k)]
        if differ: yield f'{run.fold or run.folder.name} was trained with another version of {", ".join(differ)} than fold 1.'
