from dataclasses import asdict

import numpy as np
import pandas as pd

from pneumo_fastai.experiment import Experiment
from pneumo_fastai.report.sections.methods import best_epoch, recipe
from pneumo_fastai.runs.folder import read_run
from pneumo_fastai.runs.folds import read_folds


def test_every_setting_stands_once_and_those_that_differ_first(new_run):
    run = read_run(new_run())
    found = recipe(None, run, {})
    assert found['own'] == [('class weights', '<span class="differs">balanced</span>', Experiment().class_weights)]
    names = [row[0] for rows in (found['own'], *found['same'].values()) for row in rows]
    assert sorted(names) == sorted(k.replace('_', ' ') for k in asdict(Experiment()))
    assert all(mine == base for rows in found['same'].values() for _, mine, base in rows)


def test_what_the_networks_of_an_ensemble_differ_in_is_own_with_all_values(new_run):
    run = read_run(new_run())
    run.environment['networks'] = [dict(recipe=dict(asdict(run.experiment), seed=k)) for k in (0, 7)]
    found = recipe(None, run, {})
    assert found['several'] == ['seed'] and ('seed', '<span class="differs">0, 7</span>', 0) in found['own']
    assert recipe(None, read_run(run.folder), {})['several'] == []


def test_of_a_cross_validation_test_is_one_fold(write_folds, tmp_path):
    cv = read_folds(write_folds(tmp_path/'cv'))
    def shown(run):
        found = recipe(None, run, {})
        return {row[0]: row[1] for rows in (found['own'], *found['same'].values()) for row in rows}
    assert shown(cv)['test'] == 'one fold' and '>3<' in shown(cv)['folds']
    assert shown(cv.folds[0])['test'] == 'one fold' and 'folds' not in shown(cv.folds[0])


def test_the_epoch_that_was_kept_is_the_first_of_the_best():
    history = pd.DataFrame(dict(epoch=[0, 1, 2, 3], auroc=[.6, np.nan, .9, .9]))
    assert best_epoch(history).epoch == 2
    assert best_epoch(history.assign(auroc=np.nan)) is None and best_epoch(history[['epoch']]) is None


def test_the_page_names_that_epoch(plain):
    _, text, _, _ = plain
    assert 'Trained for 2 epochs; the weights are those of epoch 1, with AUROC' in ' '.join(text.split())
