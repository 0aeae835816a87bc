import json
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from pneumo_fastai.cli import run
from pneumo_fastai.evaluate import evaluate
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.experiment import Experiment, toml
from pneumo_fastai.grid import grid
from pneumo_fastai.report.tables.repetitions import compared
from pneumo_fastai.runs.folder import GRID, read_run
from pneumo_fastai.runs.sweeps import grid_text

FEW, FEWER = ['--n-boot', '40'], Settings(n_boot=5)


def of(folder, split):
    rows = pd.read_csv(folder/'predictions.csv').query(f'split == "{split}"')
    return roc_auc_score(rows.label, rows.probability)


def test_any_runs_that_differ_in_the_seed_alone_are_one_row(tmp_path, write_member, capsys):
    folders = [write_member(tmp_path/f'{name}-{seed}', Experiment(lr=lr, seed=seed), (1., gain), seed, synthetic=False)
               for name, lr, gain in (('slow', 1e-4, 1.), ('fast', 1e-3, 2.)) for seed in (0, 1)]
    folders.append(write_member(tmp_path/'again', Experiment(lr=1e-3, seed=1), (1., 2.), 1, training=False, synthetic=False))
    other = write_member(tmp_path/'other', Experiment(epochs=3), (1., 2.), 1, synthetic=False)
    assert run(evaluate, [*map(str, folders), *FEW, '--out', str(tmp_path/'x')]) == 0
    table = pd.read_csv(tmp_path/'x.csv').query('metric == "auroc" and split == "test"')
    assert table.repetitions.tolist() == [2, 2, 1] and not table.chosen.any()  # of one recipe and one seed there is no repetition
    assert table['mean'].iloc[1] == pytest.approx(np.mean([of(f, 'test') for f in folders[2:4]]))
    assert table.difference_value.iloc[1] == pytest.approx(table['mean'].iloc[1] - table['mean'].iloc[0]) and table.minutes.isna().iloc[2]
    assert {p.suffix for p in tmp_path.glob('x.*')} == {'.csv', '.tex', '.md'} and 'not' in capsys.readouterr().out
    assert run(evaluate, [*map(str, folders[:3:2]), str(other), *FEW, '--out', str(tmp_path/'y')]) == 0
    assert "the same by Holm's correction" in (tmp_path/'y.md').read_text() and '| minutes of training |' in (tmp_path/'y.md').read_text()


def test_patients_of_valid_that_another_split_seed_tests_are_told(tmp_path, write_member):
    runs = [read_run(write_member(tmp_path/f'split_seed={s}', Experiment(split_seed=s), (1., 1.), s)) for s in (0, 1)]
    def warned(settings='ab'):
        found = compared([dict(setting=k, planned=2, failed={}, runs=dict(enumerate(runs))) for k in settings], FEWER, choose=True)
        return [w for w in found['warnings'] if 'in test of another' in w]
    assert not warned()
    runs[1].predictions['split'] = runs[1].predictions['split'].map(dict(valid='test', test='valid'))
    assert warned() == ['60 patients are in valid of one training and in test of another: the chosen row was chosen on some of the '
                        'patients that it is tested on.']
    assert not warned('a')  # one row: there is no choice


def test_two_seeds_of_one_setting_alone_stand_side_by_side_with_their_paired_difference(tmp_path, write_member):
    folders = [write_member(tmp_path/f'seed-{seed}', Experiment(seed=seed), (1., 1. + seed), seed, synthetic=False) for seed in (0, 1)]
    assert run(evaluate, [*map(str, folders), *FEW, '--out', str(tmp_path/'z')]) == 0
    table = pd.read_csv(tmp_path/'z.csv').query('metric == "auroc" and at == "at_threshold"')
    assert table.difference_value.iloc[1] == pytest.approx(of(folders[1], 'test') - of(folders[0], 'test'))


NOTE = 'held_out dark: test is no random draw but the 20 patients with the darkest images'


def held_out(folder, write_member, predict_anew, words):
    "A sweep whose random test and test held out share a part of their patients."
    folder.mkdir()
    made = grid('e', Experiment(), words)
    (folder/'experiment.toml').write_text(toml(made.base))
    (folder/GRID).write_text(grid_text(made))
    for m in made.members:
        place = write_member(folder/m.name, m.experiment, (2., 2.), m.experiment.seed)
        if m.experiment.held_out == 'dark': darkened(place, predict_anew)
    return folder


def darkened(place, predict_anew):
    "With every second patient of valid and test in the other one, test told by chance, and the note that says so."
    rows = pd.read_csv(place/'predictions.csv')
    other = rows.split.map(dict(valid='test', test='valid'))
    split = rows.split.mask(rows.patient.str[1:].astype(int) % 2 == 0, other)
    p = np.where(split == 'test', np.random.default_rng(0).random(len(rows)), rows.probability)
    predict_anew(place, rows.assign(split=split, probability=p))
    about = json.loads((place/'environment.json').read_text())
    about['data']['notes'] = [NOTE]
    (place/'environment.json').write_text(json.dumps(about))


@pytest.fixture(scope='module')
def shift(tmp_path_factory, write_member, predict_anew):
    return held_out(tmp_path_factory.mktemp('shift')/'s', write_member, predict_anew, ['held_out=none,dark', 'seed=0,1'])


def test_tests_of_two_kinds_are_not_paired_and_what_is_lost_is_told(shift, capsys, undrawn):
    assert run(evaluate, [str(shift), *FEW]) == 0
    screen, found = ' '.join(capsys.readouterr().out.split()), json.loads((shift/'sweep.json').read_text())
    none, dark = found['rows']
    assert found['kinds'] == ['none', 'dark'] and found['chosen'] == [0, 1]
    assert none['valid_difference'] is None is dark['valid_difference'] and 'sets differ' not in screen and '(chosen)' not in screen
    for r in (none, dark):
        valid, test = (r[split]['metrics']['auroc']['mean'] for split in ('valid', 'test'))
        assert r['lost']['value'] == pytest.approx(test - valid)
    assert dark['lost']['high'] < 0 and none['unseen'] is None
    files = [shift/f'held_out={k},seed=0' for k in ('none', 'dark')]
    both = set.intersection(*(set(pd.read_csv(f/'predictions.csv').query('split == "test"').path) for f in files))
    assert dark['unseen']['n'] == len(both) > 0 and f'On the {len(both)} test images that it shares with held_out=none' in screen
    assert 'does not explain' in screen and f'{NOTE[0].upper()}{NOTE[1:]}.' in screen and 'in test of another' not in screen
    assert '| AUROC on valid | AUROC on test | test less valid |' in (shift/'sweep.md').read_text()
    table = pd.read_csv(shift/'sweep.csv').query('metric == "auroc" and split == "test"').set_index('setting')
    assert table.less_valid_value['held_out=dark'] == pytest.approx(dark['lost']['value'])


def test_of_each_kind_one_of_several_settings_is_chosen_and_compared_with_its_like(tmp_path, write_member, predict_anew, capsys, undrawn):
    made = held_out(tmp_path/'s', write_member, predict_anew, ['held_out=none,dark', 'lr=1e-4,1e-3'])
    assert run(evaluate, [str(made), *FEW]) == 0
    found, screen = json.loads((made/'sweep.json').read_text()), ' '.join(capsys.readouterr().out.split())
    assert [r['valid_difference'] is None for r in found['rows']] == [True, False, True, False]
    assert sorted(found['rows'][i]['kind'] for i in found['chosen']) == ['dark', 'none']
    assert screen.count('Chosen on valid, of 2 settings') == 2 and sum(r['test'] is not None for r in found['rows']) == 2
    assert 'of each held_out one' in screen
    shutil.rmtree(made/'held_out=none,lr=0.0001')
    assert run(evaluate, [str(made), *FEW, '--reveal']) == 0
    first, *_, last = json.loads((made/'sweep.json').read_text())['rows']
    assert first['lost']['value'] is None and last['unseen']['n'] > 0
