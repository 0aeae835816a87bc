import json
import re
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


def test_a_test_that_is_no_random_draw_is_said_wherever_the_page_speaks_of_it(tmp_path, write_run, page_of, undrawn):
    said = ('On this page test is no random draw', 'Test are the patients of one kind (held_out dark)', 'no random draw but held out for',
            'They are no random draw of it', 'The numbers of test are about patients of that kind', 'Held: the 20 darkest')
    for kind in ('none', 'dark'):
        folder = write_run(tmp_path/kind)
        if kind == 'dark':
            (folder/'experiment.toml').write_text('held_out = "dark"')
            about = json.loads((folder/'environment.json').read_text())
            about['data']['notes'] = ['held_out dark: Held: the 20 darkest']
            (folder/'environment.json').write_text(json.dumps(about))
        text, _, metrics = page_of(folder)
        text = ' '.join(re.sub('<[^>]*>', '', text).split())
        assert [line in text for line in said] == [kind == 'dark']*len(said)
        assert ('those of test are the ones to quote' in text) == ('the numbers to quote' in text) == (kind == 'none')
        assert len(metrics['warnings']) == (kind == 'dark')
    assert text.count('Held: the 20 darkest') == 2  # on the first screen and with the data
