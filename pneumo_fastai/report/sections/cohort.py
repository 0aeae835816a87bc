"The sections on what was asked, of which data, and who is in each split."
import pandas as pd

from ...data.counts import counted, crossing
from ...runs.tables import SPLITS
from ..html import bullets, join, p, tag
from ..labels import QUESTION, SYNTHETIC
from ..registry import Parts, section


@section('question', 'Question', 0)
def question(page, run, metrics):
    data = run.data
    layout = f', read as {data["layout"]}' if data['layout'] else ''
    about = p('Data: ', tag('b', data['name']), f'{layout}; {len(run.cohort):,} images of {run.cohort["patient"].nunique():,} patients. '
              'The label of an image, pneumonia or no pneumonia, is taken from the data set as it is.')
    return Parts(QUESTION, content=join([p(SYNTHETIC, class_='warning') if run.synthetic else '', about]))


def _box(title, counts, extra=''):
    return tag('div', tag('b', title), f'{counts["images"]:,} images of {counts["patients"]:,} patients, {counts["pneumonia"]:,} with '
               f'pneumonia', extra, class_='box')


USE = dict(train='the weights are fitted to these', valid='epoch, threshold and calibration are chosen on these',
           test='measured once; the numbers to quote')


def flow(run):
    "From the images found to those of each split, in boxes."
    table, reasons = run.cohort, exclusions(run.rejected)
    out = bullets(f'{n:,}: {reason}' for reason, n in reasons) if reasons else ''
    found = tag('div', tag('b', 'Found'), f'{len(table) + len(run.rejected):,} images', class_='box')
    left = tag('div', tag('b', f'Excluded: {len(run.rejected):,}'), out, class_='box out')
    splits = [(s, table[table['split'] == s]) for s in run.splits]
    boxes = [_box(name.capitalize(), counted(rows), tag('span', f' \u2013 {USE[name]}') if name in USE else '')
             for name, rows in splits]
    return tag('div', tag('div', found, left, class_='row two'), tag('div', _box('Used', counted(table)), class_='row'),
               tag('div', *boxes, class_='row three' if len(boxes) == 3 else 'row some'), class_='flow')


@section('data', 'Data flow', 10)
def data(page, run, metrics):
    notes = [p(tag('b', 'To be wary of: '), note, class_='warning') for note in run.data['notes']]
    return Parts('Every image found is either used or excluded for a stated reason; file by file, the excluded ones are in rejected.csv.',
                 flow(run), join(notes))


@section('cohort', 'Cohort', 20)
def who(page, run, metrics):
    crossed, split = crossing(run.cohort), 'fold' if run.experiment.folds else 'split'
    how = f'No patient is in two {split}s'
    if crossed: how = f'{crossed:,} patients are in more than one {split}: the test is not independent'
    by = f'by a hash of their identifier (split seed {run.experiment.split_seed}).'
    words = f'Patients are assigned to folds {by}' if run.fold or run.experiment.folds else \
        f'Where the data set ships no split, patients are assigned {by}'
    if run.experiment.folds: words += (f' Fold k is the test of network k; of the other patients, a second hash puts about '
                                       f'{run.experiment.valid:.0%} of all into its valid, the rest into its train.')
    table = page.table(*characteristics(run.cohort, run.splits), caption=f'Images by {split}; shares are of the images of the {split}.')
    return Parts(f'{how}.', content=join([p(words), table]))


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
