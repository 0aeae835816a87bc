"The tables of a run's folder, each read and checked in one place: predictions, split, members, history."
import json
from pathlib import Path

import numpy as np
import pandas as pd

from ..csv_files import csv_text, read_csv
from ..errors import InputError
from ..evaluation.results import check_predictions
from ..evaluation.subgroups import COLUMNS
from ..writing import write

SPLITS = ('train', 'valid', 'test')


def write_table(path, table):
    "A CSV file of a run's folder, its probabilities to eight digits, whole or not at all."
    return write(path, csv_text(table, float_format='%.8g'))


def read_predictions(path, needed=SPLITS[1:]):
    "The table of `predictions.csv`: path, patient, split, label, probability; `InputError` where it is absent or cannot be evaluated."
    texts = dict(path=str, patient=str, split=str)
    try: return check_predictions(read_csv(path, dtype=texts, keep_default_na=False, na_values=['']), needed)
    except FileNotFoundError: raise InputError(f'{path} does not exist; a finished run has one') from None


def read_split(path):
    "The table of `split.csv`, boxes as lists of (x, y, width, height); `InputError` where it is absent or lacks a column."
    texts = dict.fromkeys(('path', 'patient', 'split', 'view', 'sex', 'detail'), str)
    try: table = read_csv(path, dtype=texts, keep_default_na=False, na_values=[''])
    except FileNotFoundError: raise InputError(f'{path} does not exist; a finished run has one') from None
    if missing := [c for c in (*COLUMNS, 'patient') if c not in table]:
        raise InputError(f'{path} lacks the column {missing[0]!r}; fit writes it')
    if (twice := table['path'].duplicated() | table['path'].isna()).any():
        raise InputError(f'{path} has {twice.sum()} rows without a path of their own; give one row an image')
    return table.assign(label=numbers(path, table, 'label', (0, 1)), age=numbers(path, table, 'age'),
                        boxes=[boxes_of(path, b) for b in table['boxes']])


def numbers(path, table, column, values=None):
    "The column as numbers; `InputError` for text in it, or for what is none of `values`."
    found = pd.to_numeric(table[column], errors='coerce')
    wrong = ~found.isin(values) if values else found.isna() & table[column].notna()
    if not wrong.any(): return found.astype(int) if values else found.astype(float)
    said = table[column][wrong].iloc[0]
    said = 'blank' if pd.isna(said) else repr(said) if isinstance(said, str) else said
    raise InputError(f'{path} has {wrong.sum()} rows whose {column} is not {" or ".join(map(str, values)) if values else "a number"}, '
                     f'the first is {said}; fit writes it anew')


def boxes_of(path, text):
    "The boxes of a cell, as lists of four numbers; none where it is blank."
    try:
        boxes = json.loads(text) if isinstance(text, str) else []
        if all(len(b) == 4 and np.isfinite(np.asarray(b, dtype=float)).all() for b in boxes): return boxes
    except (ValueError, TypeError): pass
    raise InputError(f'{path} has boxes that are no lists of x, y, width, height, one is {text[:60]!r}; fit writes it anew')

SOURCES = dict(augmentation=('augmented.csv', 'copy_'), ensemble=('members.csv', 'network_'))  # file and how its columns begin
ROUNDING = 1e-6  # predictions.csv and members.csv hold eight digits


def read_members(
    folder,       # a run's
    predictions,  # its own, as `read_predictions` gives them
):
    "The table of each of `SOURCES` whose file is there, by source: split and a column for each copy or network, indexed by path."
    found = {}
    for source, (name, prefix) in SOURCES.items():
        path = Path(folder)/name
        if not path.is_file(): continue
        table = read_csv(path, dtype=dict(path=str, split=str), keep_default_na=False, na_values=[''])
        found[source] = check_members(path, table, prefix, predictions)
        if source == 'ensemble': check_mean(path, found[source], predictions)
    return found


def check_members(path, table, prefix, predictions):
    "`table` indexed by path, rows as in `predictions`; `InputError` unless its columns, images, splits and probabilities are in order."
    names = [f'{prefix}{i}' for i in range(1, max(2, len(table.columns) - 1))]
    if list(table.columns) != ['path', 'split', *names]:
        raise InputError(f'{path} has the columns {", ".join(table.columns)}; needed are path, split, {prefix}1, {prefix}2, ...')
    if (twice := table['path'].duplicated()).any():
        raise InputError(f'{path} repeats a path in {twice.sum()} rows, first {table["path"][twice].iloc[0]!r}; give one row an image')
    if other := set(table['path']) ^ set(predictions['path']):
        raise InputError(f'{path} and predictions.csv differ in {len(other)} images, one is {min(map(str, other))!r}; both are of one run')
    table = table.set_index('path').loc[predictions['path']]
    if (other := table['split'].to_numpy() != predictions['split'].to_numpy()).any():
        raise InputError(f'{path} has {other.sum()} images in another split than predictions.csv, one is {table.index[other][0]!r}')
    values = table[names].apply(pd.to_numeric, errors='coerce')
    if (bad := ~((values >= 0) & (values <= 1)).all(axis=1)).any():
        raise InputError(f'{path} has {bad.sum()} rows with something other than probabilities in [0, 1], the first is {bad.idxmax()!r}')
    return table[['split']].join(values.astype(float))


def check_mean(path, table, predictions):
    "`InputError` unless the probability of each image is the mean of its networks."
    off = np.abs(table.drop(columns='split').mean(axis=1).to_numpy() - predictions['probability'].to_numpy(dtype=float)) > ROUNDING
    if off.any(): raise InputError(f'the networks in {path} have another mean than predictions.csv for {off.sum()} images; '
                                   'make the ensemble anew')


def optional_table(path, columns):
    "The table, or an empty one with these columns where there is no such file or nothing in it; `InputError` where it lacks one."
    if not path.is_file() or not path.stat().st_size: return pd.DataFrame(columns=columns)
    table = read_csv(path)
    if missing := [c for c in columns if c not in table]: raise InputError(f'{path} lacks the column {missing[0]!r}; fit writes it')
    return table


def history_of(folder):
    "history.csv, whose every value is a number but the time."
    table = optional_table(folder/'history.csv', ['epoch', 'train_loss', 'valid_loss'])
    for name in table.columns.drop('time', errors='ignore'):
        if len(table) and not pd.api.types.is_numeric_dtype(table[name]):
            raise InputError(f'{folder}/history.csv has something other than numbers in the column {name!r}; fit writes it anew')
    return table

WORST = 10


def worst(
    predictions, cohort,
    n=WORST,  # how many; None: all
):
    "The test images with the least probability of their label, the worst first, with what is known of them."
    test = predictions[predictions['split'] == 'test']
    right = np.where(test['label'] == 1, test['probability'], 1 - test['probability'])
    rows = test.assign(right=right).sort_values(['right', 'path']).head(len(test) if n is None else n)
    return rows.join(cohort.set_index('path')[['view', 'age', 'sex', 'detail']], on='path')
