"The table of settings: of a sweep's folder, and of any runs by `evaluate`."
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from pneumo_fastai.cli import run
from pneumo_fastai.evaluate import evaluate
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.experiment import Experiment, load_experiment, toml
from pneumo_fastai.grid import grid
from pneumo_fastai.report import setting_table
from pneumo_fastai.report.repetitions import compared
from pneumo_fastai.runs.folder import read_run
from pneumo_fastai.runs.sweeps import FAILED, GRID, grid_text

FEW, FEWER = ['--n-boot', '40'], Settings(n_boot=5)
GAINS = {'lr=0.0001': (1.2, 2.5), 'lr=0.001': (2.2, .6), 'lr=0.01': (.4, 1.4)}  # on valid, on test: test would choose another one


def a_member(folder, write_run, experiment, gains, seed, training=True, synthetic=True):
    "A run whose probabilities tell the label as well as `gains` say."
    write_run(folder, seed, synthetic, name=f'e, {folder.name.replace(",", ", ")}')
    rows, rng = pd.read_csv(folder/'predictions.csv'), np.random.default_rng([seed, *folder.name.encode()])
    gain = np.where(rows.split == 'valid', *gains)
    rows.assign(probability=1/(1 + np.exp(-rng.normal(gain*rows.label, 1)))).to_csv(folder/'predictions.csv', index=False)
    (folder/'experiment.toml').write_text(toml(experiment))
    about = json.loads((folder/'environment.json').read_text())
    if training: about['training'] = dict(seconds=60. + 60*seed, steps_seconds=50., images=1000 + 1000*seed)
    (folder/'environment.json').write_text(json.dumps(dict(about, precision='bfloat16' if seed else 'float32')))
    return folder


@pytest.fixture(scope='module')
def made(tmp_path_factory, write_run):
    "A sweep of three settings and three seeds, of which one member failed and one is not trained yet."
    folder = tmp_path_factory.mktemp('runs')/'e-sweep'
    folder.mkdir()
    base = load_experiment('weighted')[1]
    found = grid('e', base, ['lr=1e-4,1e-3,1e-2', 'seed=0,1,2'])
    (folder/'experiment.toml').write_text(toml(base))
    (folder/GRID).write_text(grid_text(found))
    for m in found.members[:-2]: a_member(folder/m.name, write_run, m.experiment, GAINS[m.name.split(',')[0]], m.values['seed'])
    (folder/f'{found.members[-2].name}{FAILED}').write_text('the loss is <nan>\nmore')
    return folder


@pytest.fixture
def sweep(made, tmp_path): return shutil.copytree(made, tmp_path/'e-sweep')


def written(folder): return {n: (folder/n).read_text() for n in ('sweep.csv', 'sweep.md', 'sweep.tex', 'sweep.json', 'report.html')}


def of(folder, split):
    rows = pd.read_csv(folder/'predictions.csv').query(f'split == "{split}"')
    return roc_auc_score(rows.label, rows.probability)


def test_it_is_chosen_on_valid_and_test_is_shown_for_the_chosen_alone(sweep, capsys):
    assert run(evaluate, [str(sweep), *FEW]) == 0
    screen, found, files = capsys.readouterr().out, json.loads((sweep/'sweep.json').read_text()), written(sweep)
    assert all(len(line) <= 80 for line in screen.splitlines() if 'read ' not in line)
    rows = {r['setting']: r for r in found['rows']}
    assert [k for k, r in rows.items() if r['chosen']] == ['lr=0.001'] and found['rows'][found['chosen']] == rows['lr=0.001']
    for name in GAINS:
        values = [of(f, 'valid') for f in sorted(sweep.glob(f'{name},*')) if f.is_dir()]
        assert rows[name]['valid']['metrics']['auroc']['by_repetition'] == pytest.approx(values)
        test = [of(f, 'test') for f in sorted(sweep.glob(f'{name},*')) if f.is_dir()]
        if name == 'lr=0.001': assert rows[name]['test']['metrics']['auroc']['mean'] == pytest.approx(np.mean(test))
        else:
            assert rows[name]['test'] is None and rows[name]['test_difference'] is None
        if name == 'lr=0.0001':  # of three, so that by chance no other number is the same
            for hidden in (f'{np.mean(test):.3f} \u00b1', f'{np.mean(test):.9f}'[:-1]):
                assert not [text for text in (*files.values(), screen) if hidden in text]
    assert 'AUROC on test' in files['sweep.md'] and '--reveal' in screen


def test_reveal_shows_the_test_of_all_and_the_choice_stays(sweep, capsys):
    assert run(evaluate, [str(sweep), *FEW, '--reveal', '--operating-point', 'sensitivity=0.9']) == 0
    assert 'evaluate SWEEP --reveal --operating-point sensitivity=0.9 --error 0.1 --n-boot 40' in (sweep/'report.html').read_text()
    found, files = json.loads((sweep/'sweep.json').read_text()), written(sweep)
    assert found['rows'][found['chosen']]['setting'] == 'lr=0.001'
    first, second, _ = found['rows']
    test = {name: [of(sweep/f'{name},seed={s}', 'test') for s in (0, 1, 2)] for name in ('lr=0.0001', 'lr=0.001')}
    assert first['test']['metrics']['auroc']['by_repetition'] == pytest.approx(test['lr=0.0001'])
    assert second['test_difference']['value'] == pytest.approx(np.mean(test['lr=0.001']) - np.mean(test['lr=0.0001']))
    for text in (files['sweep.md'], files['sweep.tex'], files['report.html'], capsys.readouterr().out):
        assert f'{np.mean(test["lr=0.0001"]):.3f}' in text
    assert run(evaluate, [str(sweep), *FEW]) == 0  # and back again
    assert f'{np.mean(test["lr=0.0001"]):.3f}' not in (sweep/'report.html').read_text()


def test_the_four_forms_say_the_same_and_what_is_amiss(sweep, capsys):
    assert run(evaluate, [str(sweep), *FEW]) == 0
    files, screen = written(sweep), ' '.join(capsys.readouterr().out.split())
    table = pd.read_csv(sweep/'sweep.csv')
    auroc = table[(table.metric == 'auroc') & (table.split == 'valid')].set_index('setting')
    assert list(auroc.index) == list(GAINS) and auroc.repetitions.tolist() == [3, 3, 1] and table.synthetic.all()
    assert auroc.minutes.tolist() == [2., 2., 1.] and auroc.images_per_second.tolist() == [40., 40., 20.]
    shown = f'{auroc["mean"].iloc[0]:.3f} \u00b1 {auroc["sd"].iloc[0]:.3f}'
    for text in (files['sweep.md'], files['report.html'], screen, files['sweep.tex'].replace(r'$\pm$', '\u00b1')): assert shown in text
    lines = [o.strip('| ') for o in files['sweep.md'].splitlines() if o.startswith('| lr')]
    rows = [o.split(' | ') for o in lines]
    assert [r[0] for r in rows] == ['lr=0.0001', 'lr=0.001 (chosen)', 'lr=0.01'] and {len(r) for r in rows} == {7}
    for text in (files['sweep.md'].replace('\\', ''), files['report.html'], screen):
        for said in ('lr=0.01: 1 of 3 trainings are finished', 'Not trained yet: 1 of 9', 'precision: float32, bfloat16', 'synthetic data'):
            assert said in text
    assert 'lr=0.01,seed=1 failed: the loss is <nan>.' in screen and 'the loss is &lt;nan&gt;' in files['report.html']
    assert (sweep/'sweep.png').stat().st_size > 5000 and not re.search(r'(src|href)="(?!data:|#)', files['report.html'])


def test_it_needs_a_finished_member_and_that_one_as_it_was(sweep, capsys, tmp_path):
    (sweep/'lr=0.001,seed=1'/'predictions.csv').write_text('broken')
    assert run(evaluate, [str(sweep), *FEW]) == 2 and 'lr=0.001,seed=1' in capsys.readouterr().err
    empty = tmp_path/'empty'
    empty.mkdir()
    for name in (GRID, 'experiment.toml', f'lr=0.01,seed=1{FAILED}'): shutil.copy(sweep/name, empty)
    assert run(evaluate, [str(empty)]) == 2 and 'lr=0.01,seed=1 failed: the loss is <nan>' in capsys.readouterr().err
    (empty/GRID).write_text('{}')
    assert run(evaluate, [str(empty)]) == 2 and 'no experiment or grid' in capsys.readouterr().err
    assert run(evaluate, [str(sweep/'lr=0.001,seed=0'), '--reveal']) == 2 and 'is for the folder of a sweep' in capsys.readouterr().err
    assert run(evaluate, [str(sweep), str(sweep/'lr=0.001,seed=0')]) == 2 and 'is a whole sweep' in capsys.readouterr().err


def test_any_runs_that_differ_in_the_seed_alone_are_one_row(tmp_path, write_run, capsys):
    folders = [a_member(tmp_path/f'{name}-{seed}', write_run, Experiment(lr=lr, seed=seed), (1., gain), seed, synthetic=False)
               for name, lr, gain in (('slow', 1e-4, 1.), ('fast', 1e-3, 2.)) for seed in (0, 1)]
    folders.append(a_member(tmp_path/'again', write_run, Experiment(lr=1e-3, seed=1), (1., 2.), 1, training=False, synthetic=False))
    other = a_member(tmp_path/'other', write_run, Experiment(epochs=3), (1., 2.), 1, synthetic=False)
    assert run(evaluate, [*map(str, folders), *FEW, '--out', str(tmp_path/'x')]) == 0
    table = pd.read_csv(tmp_path/'x.csv').query('metric == "auroc" and split == "test"')
    assert table.repetitions.tolist() == [2, 2, 1] and not table.chosen.any()  # of one recipe and one seed there is no repetition
    assert table['mean'].iloc[1] == pytest.approx(np.mean([of(f, 'test') for f in folders[2:4]]))
    assert table.difference_value.iloc[1] == pytest.approx(table['mean'].iloc[1] - table['mean'].iloc[0]) and table.minutes.isna().iloc[2]
    assert {p.suffix for p in tmp_path.glob('x.*')} == {'.csv', '.tex', '.md'} and 'not' in capsys.readouterr().out
    assert run(evaluate, [*map(str, folders[:3:2]), str(other), *FEW, '--out', str(tmp_path/'y')]) == 0
    assert "the same by Holm's correction" in (tmp_path/'y.md').read_text() and '| minutes of training |' in (tmp_path/'y.md').read_text()


def test_patients_of_valid_that_another_split_seed_tests_are_told(tmp_path, write_run):
    runs = [read_run(a_member(tmp_path/f'split_seed={s}', write_run, Experiment(split_seed=s), (1., 1.), s)) for s in (0, 1)]
    def warned(settings='ab'):
        found = compared([dict(setting=k, planned=2, failed={}, runs=dict(enumerate(runs))) for k in settings], FEWER, choose=True)
        return [w for w in found['warnings'] if 'in test of another' in w]
    assert not warned()
    runs[1].predictions['split'] = runs[1].predictions['split'].map(dict(valid='test', test='valid'))
    assert warned() == ['60 patients are in valid of one training and in test of another: the chosen row was chosen on some of the '
                        'patients that it is tested on.']
    assert not warned('a')  # one row: there is no choice


def told(rows, choose=True, **more):
    "What the table, its notes and its words say of settings, as one text."
    found = dict(compared([dict(setting=k, planned=len(v), failed={}, runs=dict(enumerate(v))) for k, v in rows.items()], FEWER,
                          reveal=False, choose=choose), title='Sweep of e on x', members=9, waiting=[], **more)
    return found, ' '.join([*setting_table.words(found), *setting_table.notes(found)])


def of_one_class(run, split):
    p = run.predictions
    run.predictions = p[(p['split'] != split) | (p['label'] == 1)]
    return run


def test_what_is_not_defined_on_test_has_no_interval_either(new_run):
    found, said = told({'a': [of_one_class(read_run(new_run()), 'test')]})
    assert found['chosen'] == 0 and 'On test its AUROC is not defined.' in said and ': defined' not in said


def test_where_no_row_can_be_chosen_that_is_said_in_place_of_its_test(new_run):
    found, said = told({k: [of_one_class(read_run(new_run(k, seed=i)), 'valid')] for i, k in enumerate('ab')})
    assert found['chosen'] is None and 'No row is chosen' in said and 'chosen row alone' not in said


def test_one_setting_and_one_training_are_spoken_of_in_the_singular(new_run):
    run = read_run(new_run())
    one, several = told({'a': [run, run]})[1], told({'a': [run], 'b': [run]})[1]
    assert '1 settings' not in one and 'more rows' not in one and 'chosen row alone' not in one and 'over 2 of 2 trainings' in one
    assert '1 trainings' not in several and 'one training a row' in several and 'over 1 of 1 training.' in several


def test_what_no_training_says_is_no_column_and_a_name_is_never_cut_short(tmp_path, write_run, capsys):
    folders = [str(write_run(tmp_path/k, seed, name='a_name_of_forty_letters_without_one_space')) for seed, k in enumerate('ab')]
    for folder, seed in zip(folders, (0, 1), strict=True): Path(folder, 'experiment.toml').write_text(f'seed = {seed}')
    assert run(evaluate, [*folders, *FEW, '--out', str(tmp_path/'x')]) == 0
    out, md = capsys.readouterr().out, (tmp_path/'x.md').read_text()
    assert 'not stated' not in out and 'minutes' not in md and 'Minutes' not in md and '\u2026' not in out
