"Who is in the data: the flow from images found to used, and the characteristics of each split, as rows of text."
import pandas as pd

SPLITS = ('train', 'valid', 'test')
MOST = 8  # reasons of exclusion or values of a characteristic that are named one by one


def counted(rows):
    "images, persons and with pneumonia of rows of split.csv, as numbers."
    return dict(images=len(rows), persons=int(rows['person'].nunique()), pneumonia=int(rows['label'].sum()))


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
    rows = [('images', *(f'{c["images"]:,}' for c in counts.values())), ('persons', *(f'{c["persons"]:,}' for c in counts.values())),
            ('images with pneumonia', *(share(c['pneumonia'], c['images']) for c in counts.values())),
            *_values('view', parts, 'view'), *_values('sex', parts, 'sex')]
    if table['age'].notna().any():
        rows.append(('age in years, median (quartiles)', *map(_age, parts.values())))
        if table['age'].isna().any():
            rows.append(('age: not stated', *(share(int(t['age'].isna().sum()), len(t)) for t in parts.values())))
    return ('', *parts), [*rows, *_values('detail', parts, 'class of the challenge')]


def crossing(table): return int((table.groupby('person')['split'].nunique() > 1).sum())


def cohort_lines(run):
    "What the data are and how they were split, a line each, for the short report."
    layout = f', read as {run.data["layout"]}' if run.data['layout'] else ''
    lines = [f'{run.data["name"]}{layout}; {len(run.rejected)} files rejected']
    for name in (*run.splits, 'all'):
        c = counted(run.cohort if name == 'all' else run.cohort[run.cohort['split'] == name])
        rate = f' ({c["pneumonia"]/c["images"]:.1%})' if c['images'] else ''
        lines.append(f'{name}: {c["images"]:,} images of {c["persons"]:,} persons, {c["pneumonia"]:,} with pneumonia{rate}')
    return lines
