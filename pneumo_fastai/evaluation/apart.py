"How well two sets of images can be told apart: by what their files state, and by what the network makes of the pixels. 0.5 is not at all."
import numpy as np

from .intervals.levels import of_auroc
from .shortcut import FOLDS, PATIENTS, TOGETHER, WIDER, out_of_fold, shortcut_test

MOST = 2000  # images of a set: more move no digit that is shown


def some(rows, seed=0):
    "At most MOST of the rows, drawn with `seed`: whole patients, so that none is thinned out."
    if len(rows) <= MOST: return rows.reset_index(drop=True)
    patients = rows['patient'].drop_duplicates().sample(frac=1, random_state=seed)
    sizes = rows['patient'].value_counts().loc[patients]
    return rows[rows['patient'].isin(patients[(sizes.cumsum() <= MOST).to_numpy()])].reset_index(drop=True)


def told_apart(
    table,          # one row an image: label (0: of the one set, 1: of the other), patient, and the columns of `groups`
    groups,         # name -> columns of what the files state
    features=None,  # (n, k) what the network makes of each image
) -> dict:
    """name -> value, low, high, n, patients and reason, as `shortcut_test` gives them: the AUROC of a classifier that is asked from which
    set an image is, on patients it never saw. `all of the above` is of all groups, by trees; `the network's features` by a logistic
    regression, on features of equal variance (the classifier two-sample test, Lopez-Paz and Oquab 2017)."""
    about = dict(n=len(table), patients=int(table['patient'].nunique()))
    few = table.groupby('label')['patient'].nunique().reindex([0, 1], fill_value=0).min()
    if few < PATIENTS: return {TOGETHER: undefined(about, f'one of the sets has {few} patients, {PATIENTS} are needed')}
    found = shortcut_test(table, groups)
    return found if features is None else found | {FEATURES: by_features(table, np.asarray(features), about)}


FEATURES = 'the network\'s features'
def undefined(about, reason): return dict(value=None, low=None, high=None, **about, reason=f'not defined, because {reason}')


def linear(n):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    return make_pipeline(StandardScaler(), LogisticRegression(C=.01, max_iter=2000))


def by_features(table, features, about):
    y, patient = table['label'].to_numpy(), table['patient'].to_numpy()
    if not np.isfinite(features).all(): return undefined(about, 'a feature is no number')
    p, fold = out_of_fold(features, y, patient, make=linear)
    value, interval = of_auroc(patient, y, p, fold, WIDER)
    return dict(value=float(value), **interval, **about, folds=FOLDS, reason=None)
