import json
import re

import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation.calibrators import logit, sigmoid
from pneumo_fastai.evaluation.results import evaluate
from pneumo_fastai.runs.folder import read_run
from pneumo_fastai.runs.tables import history_of, read_members, read_predictions, read_split, worst


def test_reads_what_was_written(tmp_path, table):
    table().to_csv(tmp_path/'predictions.csv', index=False)
    frame = read_predictions(tmp_path/'predictions.csv')
    assert frame.patient.iloc[0] == '000'  # text, or 000 and 0 were one patient
    assert evaluate(frame, 20) == evaluate(table(), 20)
    (tmp_path/'empty.csv').touch()
    for name in ('absent.csv', 'empty.csv'):
        with pytest.raises(InputError, match=name): read_predictions(tmp_path/name)


def saved(run):
    "Write members.csv of three networks of a run, its predictions being made their mean."
    rows, rng = pd.read_csv(run/'predictions.csv'), np.random.default_rng(1)
    each = {f'network_{i}': sigmoid(logit(rows.probability) + .8*rng.normal(size=len(rows))) for i in range(1, 4)}
    table = pd.DataFrame(dict(path=rows.path, split=rows.split, **each))
    table.to_csv(run/'members.csv', index=False)
    rows.assign(probability=table[list(each)].mean(axis=1)).to_csv(run/'predictions.csv', index=False)
    return run


def test_reads_the_split_as_fit_writes_it(new_run, tmp_path):
    raw, read = pd.read_csv(new_run()/'split.csv'), read_split(tmp_path/'run'/'split.csv')
    assert list(read.boxes) == [json.loads(o) for o in raw.boxes]
    for column in ('path', 'patient', 'label'): assert list(read[column]) == list(raw[column])
    (tmp_path/'short.csv').write_text('path,label\n')
    (tmp_path/'empty.csv').touch()
    for name, words in (('absent', 'does not exist'), ('short', "column 'split'"), ('empty', 'no table')):
        with pytest.raises(InputError, match=words): read_split(tmp_path/f'{name}.csv')


@pytest.mark.parametrize('column, cell, says', [
    ('label', '2', '1 rows whose label is not 0 or 1, the first is 2'), ('label', 'x', "the first is 'x'"),
    ('age', 'old', 'age is not a number, the first is \'old\''),
    ('boxes', '[[1, 2, 3]]', 'boxes that are no lists of x, y, width, height'), ('boxes', '[[1, 2, 3, NaN]]', 'boxes that are no lists'),
    ('path', '', '1 rows without a path'), ('path', '/films/3.dcm', '1 rows without a path of their own')])
def test_a_cell_of_the_split_that_fit_would_not_write(new_run, column, cell, says):
    file = new_run()/'split.csv'
    table = pd.read_csv(file, dtype=str)
    table.loc[5, column] = cell
    table.to_csv(file, index=False)
    with pytest.raises(InputError, match=says) as e: read_split(file)
    assert '\n' not in str(e.value)


def test_the_worst_are_those_of_test_with_the_least_probability_of_their_label(new_run):
    run = read_run(new_run())
    found, test = worst(run.predictions, run.cohort, 4), run.predictions.query('split == "test"')
    right = test.probability.where(test.label == 1, 1 - test.probability)
    assert found.right.tolist() == sorted(right)[:4] and (found.split == 'test').all() and found['view'].notna().all()
    assert len(worst(run.predictions, run.cohort, None)) == len(test)


def test_a_history_of_words_is_refused_and_none_is_empty(new_run):
    folder = new_run()
    assert len(history_of(folder)) == 2
    (folder/'history.csv').write_text('epoch,train_loss,valid_loss,time\n0,x,.5,00:01\n')
    with pytest.raises(InputError, match="other than numbers in the column 'train_loss'"): history_of(folder)
    (folder/'history.csv').unlink()
    assert history_of(folder).empty


@pytest.mark.parametrize('spoil, says', [
    (lambda t: t.drop(columns='split'), 'has the columns path, network_1, network_2, network_3; needed are path, split, network_1'),
    (lambda t: t[['path', 'split']], 'has the columns path, split; needed'),
    (lambda t: t.rename(columns=dict(network_2='copy_2')), 'has the columns'),
    (lambda t: t.iloc[1:], 'differ in 1 images'),
    (lambda t: pd.concat([t, t.head(2)]), 'repeats a path in 2 rows'),
    (lambda t: t.assign(split='test'), 'in another split than predictions.csv'),
    (lambda t: t.assign(network_1=2.), 'probabilities in [0, 1]'),
    (lambda t: t.assign(network_1='x'), 'probabilities in [0, 1]'),
    (lambda t: t.assign(network_1=t.network_1.where(t.index > 3)), '4 rows with something other'),
    (lambda t: t.assign(network_1=t.network_1/2), 'another mean than predictions.csv'),
    (lambda t: pd.DataFrame(), 'is no table'),
])
def test_bad_files(new_run, spoil, says):
    run = saved(new_run())
    spoil(pd.read_csv(run/'members.csv')).to_csv(run/'members.csv', index=False)
    with pytest.raises(InputError, match=re.escape(says)) as e: read_members(run, pd.read_csv(run/'predictions.csv'))
    assert '\n' not in str(e.value)
