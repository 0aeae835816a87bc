"What a data set holds and what is wrong with it. Looks at every image, those of test included, and chooses nothing."
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ..ages import BANDS, UNKNOWN, age_band
from ..errors import InputError
from .borders import EDGE, SATURATED, SIDES
from .cohort import CLASSES
from .counts import counted
from .duplicates import groups
from .prepare import decoded, prepare
from .split import SPLITS

SLICES, IN_SLICE = 20, 10   # of the sorted names; a slice has at least so many images
DARK, LIGHT = 64, 192       # a bar's tone below and above


def ready(cohort, experiment, cache=None, tick=None):
    "`prepare`, or where no splits can be made what it has without them, with a note that says why."
    try: return prepare(cohort, experiment, cache, tick)
    except InputError as e:
        cohort = decoded(cohort, experiment, cache, tick)    # the same line again where nothing can be read
        return replace(cohort, notes=[*cohort.notes, f'no splits: {e}'])


def counts(table) -> dict:
    "By class, split, view, sex, age band and detailed class: value -> images, patients, pneumonia (images) and prevalence."
    by = {'class': table.label.map(dict(enumerate(CLASSES))), 'split': table.split, 'view': table['view'], 'sex': table.sex,
          'age': table.age.map(age_band), 'detail': table.detail}
    order = {value: i for i, value in enumerate([*CLASSES, *SPLITS, *BANDS, UNKNOWN])}
    named = {name: values.astype(object).where(values.notna(), UNKNOWN).astype(str) for name, values in by.items()}
    return {name: {value: counted(part) for value, part in sorted(table.groupby(values), key=lambda item: (order.get(item[0], 5), item[0]))}
            for name, values in named.items()}


def images_a_patient(table) -> dict:
    "How many patients have 1, 2, ... images; the most; and how many have images of both classes."
    each = table.groupby('patient').agg(images=('label', 'size'), classes=('label', 'nunique'))
    edges = {'1': 1, '2': 2, '3 to 5': 5, '6 to 10': 10, '11 or more': np.inf}
    of = pd.cut(each.images, [0, *edges.values()], labels=list(edges)).value_counts(sort=False)
    return dict(patients=len(each), images_a_patient=of.to_dict(), most=int(each.images.max()),
                of_both_classes=int((each.classes == 2).sum()))


def duplicates(table, pairs) -> dict:
    "Counts of pairs, groups, and of those across labels, splits and patients (None: no splits); the pairs, the most troubling first."
    a, b = (table.loc[pairs[k]].reset_index(drop=True) for k in 'ab')
    crosses = {f'across_{what}s': a[what] != b[what] for what in ('label', 'split', 'patient')}
    if table.split.isna().any(): crosses['across_splits'] = pd.Series(False, index=pairs.index)
    listed = pd.DataFrame(dict(a=a.path, b=b.path, correlation=pairs.correlation.round(4), identical=pairs.identical, **crosses))
    listed = listed.sort_values([*crosses, 'correlation'], ascending=False, kind='stable')
    joined = groups(pairs)
    found = dict(pairs=len(pairs), images=sum(map(len, joined)), groups=len(joined), identical=int(pairs.identical.sum()),
                 **{name: int(crossing.sum()) for name, crossing in crosses.items()})
    if table.split.isna().any(): found['across_splits'] = None
    return found | dict(list=listed.to_dict('records'))


def edges(table, looks) -> dict:
    "Constant and saturated images, and those with a bar of one tone along a side, also by class; with the share of the side and the paths."
    bars = looks[[f'{side}_bar' for side in SIDES]].to_numpy()
    tones = looks[[f'{side}_tone' for side in SIDES]].to_numpy()
    real = ~looks.constant.to_numpy(bool)
    here = (bars > 0) & real[:, None]
    kinds = dict(black=tones < DARK, grey=(tones >= DARK) & (tones <= LIGHT), white=tones > LIGHT)
    any_bar, widest = here.any(1), np.where(here, bars, 0).max(1)
    by_class = {name: float(any_bar[table.label == k].mean()) for k, name in enumerate(CLASSES) if (table.label == k).any()}
    def named(mask, measure):
        return [dict(path=table.path[i], share=round(float(measure[i]), 4)) for i in np.argsort(-measure, kind='stable') if mask[i]]
    saturated = looks.saturated.to_numpy()
    return dict(bar=int(any_bar.sum()), bar_share=float(any_bar.mean()), bar_share_by_class=by_class,
                bar_by_tone={name: int((here & kind).any(1).sum()) for name, kind in kinds.items()},
                bar_by_side=dict(zip(SIDES, here.sum(0).tolist(), strict=True)), bars=named(any_bar, widest),
                constant=table.path[~real].tolist(), saturated_median=float(np.median(saturated)),
                saturated=named((saturated > SATURATED) & real, saturated))


def place(table) -> pd.Series:
    "Where each image stands among the sorted file names, 0 to 1. Folders do not count: those of classes would tell the class."
    return table.path.map(lambda p: Path(p).name).rank(method='first') / len(table)


def order(table) -> list[dict]:
    "Prevalence along the sorted file names, in up to 20 slices of equal size; [] for fewer than 20 images."
    n = min(SLICES, len(table)//IN_SLICE)
    if n < 2: return []
    names = table.assign(name=table.path.map(lambda p: Path(p).name)).sort_values('name')
    parts = [names.iloc[some] for some in np.array_split(np.arange(len(names)), n)]
    return [dict(first=part['name'].iloc[0], last=part['name'].iloc[-1], **counted(part)) for part in parts]


def features(cohort, looks) -> tuple[pd.DataFrame, dict]:
    "What can be known of an image without its lungs, one row an image with label and patient, and the names of its groups of columns."
    header = cohort.pixels.table.loc[cohort.table.path, ['spacing', 'height', 'width']].reset_index(drop=True)
    table = pd.concat([cohort.table[['label', 'patient', 'view', 'sex', 'age']], header, looks.reset_index(drop=True)], axis=1)
    border = EDGE + [f'{side}_bar' for side in SIDES]
    return table.assign(place=place(cohort.table)), {'view': ['view'], 'age': ['age'], 'sex': ['sex'], 'pixel spacing': ['spacing'],
        'stored size': ['height', 'width'], 'image border': border, 'place in sorted names': ['place']}


def findings(cohort, looks, pairs) -> dict:
    "Everything but the shortcut test, as JSON can hold it. `looks` from `borders.looks`, `pairs` from `duplicates.duplicate_pairs`."
    table, rejected = cohort.table, cohort.rejected
    return dict(data=cohort.name, layout=cohort.layout, synthetic=cohort.synthetic, **counted(table), notes=list(cohort.notes),
                counts=counts(table), patients_by_images=images_a_patient(table), duplicates=duplicates(table, pairs),
                borders=edges(table, looks), order=order(table),
                rejected=dict(files=len(rejected), reasons=dict(Counter(rejected.reason).most_common()), list=rejected.to_dict('records')))


def pictures(cohort, found, most=3) -> dict:
    "For the figure page: (title, image) of the first 'pairs' of duplicates, one after the other, and of the widest 'bars'."
    def label(path): return CLASSES[cohort.table.label[cohort.table.path == path].iloc[0]]
    def like(o): return 'the same pixels' if o['identical'] else f'correlation {o["correlation"]:.3f}'
    pairs = [(f'{short(o[k])}\n{label(o[k])}' + (f', {like(o)}' if k == 'a' else ''), cohort.pixels[o[k]])
             for o in found['duplicates']['list'][:most] for k in 'ab']
    bars = [(f'{short(o["path"])}\n{label(o["path"])}, bar {o["share"]:.0%}', cohort.pixels[o['path']])
            for o in found['borders']['bars'][:2*most]]
    return dict(pairs=pairs, bars=bars)


def short(path, most=26):
    name = Path(path).name
    return name if len(name) <= most else f'{name[:most - 11]}...{name[-8:]}'
