"The sections on what was asked, of which data, and who is in each split."
import pandas as pd

from ...data.counts import counted, crossing
from ...runs.tables import SPLITS
from ..registry import BOTH, section


@section('question', 'Question', 0)
def question(page, run, metrics): return {}


@section('data', 'Data flow', 10)
def data(page, run, metrics):
    "The images found, left out and used, and those of each split."
    used = run.cohort
    return dict(reasons=exclusions(run.rejected), used=counted(used), splits={s: counted(used[used['split'] == s]) for s in run.splits})


@section('cohort', 'Cohort', 20, on=BOTH)
def cohort(page, run, metrics):
    header, rows = characteristics(run.cohort, run.splits)
    return dict(crossed=crossing(run.cohort), header=header, rows=rows)


MOST = 8  # reasons of exclusion or values of a characteristic that are named one by one


def exclusions(rejected):
    "(reason, images) from the most frequent; what lies beyond the first `MOST` is summed up."
    counts = rejected['reason'].astype(str).value_counts() if len(rejected) else pd.Series(dtype=int)
    named = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if len(rest := named[MOST:]): named = [*named[:MOST], (f'{len(rest)} other reasons, listed in rejected.csv', sum(n for _, n in rest))]
    return [(reason, int(n)) for reason, n in named]


def share(n, of): return f'{n:,} ({n/of:.1%})' if of else f'{n:,}'


def _values(column, parts, name):
    "A row for each value of a column, and for what is not stated; none where nothing is."
    known = parts['all'][column].dropna()
    if known.empty: return []
    values = list(known.astype(str).value_counts().index[:MOST])
    rows = [(f'{name}: {v}', *(share(int((t[column].astype(str) == v).sum()), len(t)) for t in parts.values())) for v in sorted(values)]
    if not parts['all'][column].isna().any(): return rows
    return [*rows, (f'{name}: not stated', *(share(int(t[column].isna().sum()), len(t)) for t in parts.values()))]


def _age(rows):
    age = rows['age'].dropna()
    return f'{age.median():.0f} ({age.quantile(.25):.0f} to {age.quantile(.75):.0f})' if len(age) else 'not stated'


def characteristics(table, splits=SPLITS):
    "Header and rows: each characteristic by split and over all."
    parts = {**{s: table[table['split'] == s] for s in splits}, 'all': table}
    counts = {k: counted(t) for k, t in parts.items()}
    rows = [('images', *(f'{c["images"]:,}' for c in counts.values())), ('patients', *(f'{c["patients"]:,}' for c in counts.values())),
            ('images with pneumonia', *(share(c['pneumonia'], c['images']) for c in counts.values())),
            *_values('view', parts, 'view'), *_values('sex', parts, 'sex')]
    if table['age'].notna().any():
        rows.append(('age in years, median (quartiles)', *map(_age, parts.values())))
        if table['age'].isna().any():
            rows.append(('age: not stated', *(share(int(t['age'].isna().sum()), len(t)) for t in parts.values())))
    return ('', *parts), [*rows, *_values('detail', parts, 'class of the challenge')]
