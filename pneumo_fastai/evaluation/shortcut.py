"The shortcut test: how well the label is told by what is known of an image without its lungs. A model has to be better than that."
import numpy as np
import pandas as pd

from .intervals.levels import of_auroc

FOLDS = 5
WIDER = (1 + FOLDS/(FOLDS - 1))**.5    # 1.5: folds share what they are trained on (Nadeau and Bengio 2003)
PATIENTS = 10    # of each class, at least: with fewer an out-of-fold score is noise
MODEL = dict(learning_rate=0.05, max_iter=100, max_leaf_nodes=6, max_features=0.3, l2_regularization=10, random_state=0)
"Cautious, so that in a few hundred images columns without content do not drown one that has some."
TOGETHER = 'all of the above'


def shortcut_test(
    table,     # one row an image: label (0, 1), patient, and the columns of `groups`
    groups,    # name -> columns; texts and numbers, blank where unknown
    apart=(),  # names that are left out of 'all of the above': what no network sees in the pixels
    seed=0,    # of the folds
    tick=None,  # called with (groups done, groups in all)
) -> dict:
    """name -> value, low, high, n, patients, stated (images that state it) and reason, for each group and for 'all of the above'.

    `value` is the AUROC of gradient boosted trees (Ke et al. 2017) on images of patients that the trees never saw: cross-validated by
    patient and stratified, pairs being compared within a fold, so that a column without content gets 0.5 on average. The interval is 95%,
    over patients, WIDER for the trees that are not fitted again in it: it held the truth in 95% to 100% of 720 simulated sets of 40 to
    300 images, of a true AUROC of .5, .75 and .95. Where it is not defined value is None and `reason` says why."""
    found, together = {}, []
    for name in [*(name for name in groups if name not in apart), TOGETHER, *apart]:
        found[name] = _score(table, together if name == TOGETHER else groups[name], seed)
        if found[name]['value'] is not None and name != TOGETHER: together += groups[name]
        if tick: tick(len(found), len(groups) + 1)
    return found


def _score(table, columns, seed):
    stated = int(table[columns].notna().any(axis=1).sum()) if columns else 0
    about = dict(n=len(table), patients=table.patient.nunique(), stated=stated)
    if reason := not_defined(table, columns):
        return dict(value=None, low=None, high=None, **about, reason=reason)
    y, patient = table.label.to_numpy(), table.patient.to_numpy()
    p, fold = out_of_fold(encoded(table[columns]), y, patient, seed)
    value, interval = of_auroc(patient, y, p, fold, WIDER)
    return dict(value=value, **interval, **about, reason=None)


def not_defined(table, columns):
    "Why the columns' AUROC cannot be told, or None."
    if columns and table[columns].isna().all(axis=None): return 'no image states it'
    patients = {name: table.patient[table.label == k].nunique() for k, name in ((1, 'with'), (0, 'without'))}
    few = min(patients, key=patients.get)
    if not patients[few]: return f'all {len(table)} images are of one class'
    if patients[few] < PATIENTS: return f'only {patients[few]} patients have an image {few} pneumonia, {PATIENTS} are needed'
    if not columns: return 'none of them is defined'
    return 'it is the same in every image' if (table[columns].nunique(dropna=False) == 1).all() else None


def encoded(table) -> np.ndarray:
    "Numbers as they are, unknown ones below all others; of a text a column of 0 and 1 for each value, 'not stated' being one."
    parts = [values.fillna(values.min() - 1).fillna(0).to_frame() if pd.api.types.is_numeric_dtype(values)
             else pd.get_dummies(values.astype(object).fillna('not stated').astype(str)) for _, values in table.items()]
    return np.hstack([part.to_numpy(float) for part in parts])


def trees(n):
    "For n images to learn from."
    from sklearn.ensemble import HistGradientBoostingClassifier
    return HistGradientBoostingClassifier(min_samples_leaf=min(20, max(2, n//20)), **MODEL)


def out_of_fold(x, y, patient, seed=0, make=trees):
    "The probability of each image from a classifier that `make` makes, fitted on other patients, and its fold."
    from sklearn.model_selection import StratifiedGroupKFold
    p, fold = np.empty(len(y)), np.empty(len(y), int)
    for k, (train, test) in enumerate(StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(x, y, patient)):
        p[test], fold[test] = make(len(train)).fit(x[train], y[train]).predict_proba(x[test])[:, 1], k
    return p, fold
