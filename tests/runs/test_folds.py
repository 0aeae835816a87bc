import shutil

import pandas as pd
import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.runs.folds import environment, read_folds, whole_folds
from pneumo_fastai.runs.state import kept


@pytest.fixture(scope='module')
def three(write_folds, tmp_path_factory): return write_folds(tmp_path_factory.mktemp('folds')/'cv')


@pytest.fixture
def own(three, tmp_path): return shutil.copytree(three, tmp_path/'cv')


def test_each_image_is_tested_once_by_the_fold_that_the_cohort_says(three):
    cv = read_folds(three)
    assert len(cv.folds) == 3 and cv.title == 'weighted, 3-fold cross-validation on films' and cv.splits == ['fold 1', 'fold 2', 'fold 3']
    assert sorted(cv.predictions.path) == sorted(cv.cohort.path)
    of = cv.cohort.set_index('path').split.loc[cv.predictions.path]
    assert list(of) == [f'fold {k}' for k in cv.predictions.fold]
    for fold, run in enumerate(cv.folds, 1):
        mine, rows = cv.predictions[cv.predictions.fold == fold], run.predictions.query('split == "test"')
        pd.testing.assert_frame_equal(mine.drop(columns='fold').reset_index(drop=True), rows.reset_index(drop=True))


def test_what_is_no_cross_validation_is_refused_with_what_would_do(own, new_run):
    assert len(whole_folds(own).folds) == 3
    for folder, says in ((new_run(), 'no cross-validation'), (own/'none', 'no folder'), (own/'fold-1', f'one fold; give {own}, the whole')):
        with pytest.raises(InputError) as told: whole_folds(folder)
        assert says in str(told.value) and (str(own) in says or 'fit --folds 5' in str(told.value))
    shutil.rmtree(own/'fold-3')
    with pytest.raises(InputError, match=r'lacks fold 3 of 3; there is no state\.json'): whole_folds(own)


def test_an_image_of_two_folds_or_of_none_is_refused(own):
    for name in ('predictions.csv', 'split.csv'): shutil.copy(own/'fold-1'/name, own/'fold-2'/name)
    with pytest.raises(InputError, match='images are tested by two folds'): read_folds(own)
    for name in ('predictions.csv', 'split.csv'):
        table = pd.read_csv(own/'fold-2'/name)
        table[table.split != 'test'].to_csv(own/'fold-2'/name, index=False)
    with pytest.raises(InputError): read_folds(own)


def test_an_image_of_the_cohort_that_no_fold_tests_is_counted(own):
    rows, table = (pd.read_csv(own/'fold-1'/name) for name in ('predictions.csv', 'split.csv'))
    moved = rows.index[rows.split == 'test'][0]
    table.assign(split=table.split.mask(table.path == rows.path[moved], 'train')).to_csv(own/'fold-1'/'split.csv', index=False)
    rows.drop(moved).to_csv(own/'fold-1'/'predictions.csv', index=False)
    with pytest.raises(InputError, match='1 images are not both'): read_folds(own)


def test_folds_that_are_missing_are_named_with_what_would_train_them(own):
    shutil.rmtree(own/'fold-2')
    (own/'fold-3').rename(own/'fold-3.partial')
    with pytest.raises(KeyboardInterrupt), kept(own): raise KeyboardInterrupt
    with pytest.raises(InputError, match=rf'lacks folds 2, 3 of 3; .*fit --resume {own} goes on with it$'): read_folds(own)


def test_environments_become_one_that_names_every_value(three):
    runs = read_folds(three).folds
    runs[1].environment |= dict(packages=dict(torch='2.15'), command='again')
    runs[0].environment['resumed'] = [dict(epoch=1)]  # a fold's own
    found = environment(runs)
    assert found['packages'] == dict(torch='2.14, 2.15') and found['command'].splitlines() == [runs[0].environment['command'], 'again']
    assert 'resumed' not in found
