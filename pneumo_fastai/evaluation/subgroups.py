"Does it work for everyone: the numbers of test by view, sex, age, box area, number of boxes and class of the challenge."
import numpy as np
import pandas as pd

from ..ages import OLDEST, UNKNOWN, age_band
from ..errors import InputError
from .intervals.bootstrap import four, stated
from .intervals.counts import NO_NEGATIVE, NO_POSITIVE, ONE_CLASS, checked
from .intervals.estimates import OF, about
from .intervals.levels import of_auroc, of_sums
from .metrics import rates

COLUMNS = ('path', 'label', 'split', 'view', 'age', 'sex', 'detail', 'boxes')
ABOUT = dict(
    view='View position. Images of one view are compared among themselves, so the view itself can tell nothing.',
    sex='Sex as the image file states it.',
    age=f'Age in years as the image file states it; above {OLDEST} it is taken as a slip.',
    detail='The three classes of the challenge. A class holds one label alone; its AUROC is against all images of the other label.',
    number_of_boxes='Images with pneumonia by the number of boxes readers drew; AUROC is against all images without.',
    box_area='Images with pneumonia by total box area (sum over boxes, source pixels), in thirds; AUROC is against all images without.')
AGAINST = ('detail', 'number_of_boxes', 'box_area')  # one label in each group


def described(test, cohort):
    "Rows of test with the cohort's view, age, sex, detail and boxes, by path; `InputError` where the cohort lacks one of them."
    if cohort['path'].duplicated().any(): raise InputError('the cohort names a path twice; give one row an image')
    facts = cohort.set_index('path')[['view', 'age', 'sex', 'detail', 'boxes']]
    if len(lost := test['path'][~test['path'].isin(facts.index)]):
        raise InputError(f'{len(lost)} images of test are not in the cohort, one is {lost.iloc[0]!r}; give the split.csv of the same run')
    return test.join(facts, on='path')


def box_number(boxes): return None if not len(boxes) else str(len(boxes)) if len(boxes) < 3 else '3 or more'


def box_area(boxes): return float(sum(width*height for *_, width, height in boxes))


def area_band(area, cut):
    "By the two cuts between thirds; None for no box."
    if not area: return None
    low, high = (f'{c:,.0f}' for c in cut)
    return f'below {low}' if area < cut[0] else f'{low} to {high}' if area < cut[1] else f'{high} and above'


def area_cuts(areas):
    "Where the thirds of all boxed images of the cohort meet, train included: a property of the data, not of the model; None for none."
    boxed = areas[areas > 0]
    return np.quantile(boxed, [1/3, 2/3]) if len(boxed) else None


def groupings(test, cohort):
    "Name -> the group of each row of test [n], None for no group; a name for which the data state nothing is left out."
    text = {k: test[k].astype(object).where(test[k].notna(), UNKNOWN) for k in ('view', 'sex', 'detail')}
    text['age'] = test['age'].map(age_band)
    text = {k: v for k, v in text.items() if (v != UNKNOWN).any()}
    cut = area_cuts(cohort['boxes'].map(box_area))
    if cut is not None and test['boxes'].map(len).any():
        text['number_of_boxes'] = test['boxes'].map(box_number).where(test['label'] == 1, None)
        text['box_area'] = test['boxes'].map(lambda boxes: area_band(box_area(boxes), cut)).where(test['label'] == 1, None)
    return {k: np.array([None if pd.isna(g) else str(g) for g in text[k]], dtype=object) for k in ABOUT if k in text}


def by_first_number(name):
    "'below 1,000' first, then by the number a name begins with; names without one last, in alphabetical order."
    digits = name.split(' ')[0].replace(',', '')
    return (0, 0, name) if name.startswith('below') else (1, float(digits), name) if digits.isdigit() else (2, 0, name)


def auroc_of(y, p, patient, rows, against):
    "AUROC of a group's images among themselves, or `against` all images of the label that the group has not."
    if against: rows = np.r_[rows, np.flatnonzero(y != y[rows[0]])]
    return stated(*of_auroc(patient[rows], y[rows], p[rows]), ONE_CLASS)


def aurocs(y, p, patient, masks, groups):
    "AUROC with its interval by (attribute, group), and by attribute over all pairs in one group, where the groups hold both labels."
    one_label = {name for name in AGAINST if all(len(np.unique(y[rows])) == 1 for (of, _), rows in masks.items() if of == name)}
    out = {key: auroc_of(y, p, patient, rows, key[0] in one_label) for key, rows in masks.items()}
    for name, of in groups.items():
        rows = np.flatnonzero([g is not None for g in of])
        if name in one_label or not len(rows): continue
        out[name] = stated(*of_auroc(patient[rows], y[rows], p[rows], of[rows].astype(str)), 'no group has images of both classes')
    return out


def group_rates(y, p, patient, masks, threshold):
    "recall and specificity with intervals, by (attribute, group)."
    columns, why, out = four(y, p, threshold), dict(recall=NO_POSITIVE, specificity=NO_NEGATIVE), {}
    for key, rows in masks.items():
        here = rates(*columns[rows].sum(0))
        intervals = of_sums(patient[rows], columns[rows], lambda s: rates(*s.T), {k: OF[k] for k in why})
        out[key] = {k: stated(here[k], intervals[k], w) for k, w in why.items()}
    return out


def small(rows, name, least):
    "Whether too few images of a class that the group's numbers rest on are there; a group of one label rests on that one."
    positives = int(rows['label'].sum())
    counts = [positives, len(rows) - positives]
    return min(c for c in counts if c or name not in AGAINST) < least


def subgroups(
    test,       # columns path, patient, label, probability
    cohort,     # as `read_split` gives it: every image of the run
    threshold,  # chosen on valid: one, or one for each row of test [n]
    choices,    # a `Settings`
):
    """By name of `ABOUT`: about, groups (a list of group, n, patients, positives, prevalence, small, auroc, recall, specificity) and
    within: the AUROC over the pairs that share a group, to which the attribute itself adds nothing; None for groups of one label.

    `small_below` is the number of images of a class below which a group is marked; `left_out` are names of which the data say nothing.
    """
    (y, p), patient = checked(test['label'], test['probability']), test['patient'].to_numpy()
    found = groupings(described(test, cohort), cohort)
    names = {k: sorted({g for g in groups if g is not None}, key=by_first_number) for k, groups in found.items()}
    masks = {(k, g): np.flatnonzero(found[k] == g) for k, groups in names.items() for g in groups}
    out = dict(small_below=choices.small, left_out=[k for k in ABOUT if k not in found], by={})
    if not masks: return out
    auroc, rate = aurocs(y, p, patient, masks, found), group_rates(y, p, patient, masks, threshold)
    for k, groups in names.items():
        rows = {g: test.iloc[masks[k, g]] for g in groups}
        blocks = [dict(group=g, **about(r), small=small(r, k, choices.small), auroc=auroc[k, g], **rate[k, g]) for g, r in rows.items()]
        out['by'][k] = dict(about=ABOUT[k], groups=blocks, within=auroc.get(k))
    return out
