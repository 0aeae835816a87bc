import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from pneumo_fastai.cli import run
from pneumo_fastai.evaluate import evaluate
from pneumo_fastai.experiment import load_experiment, toml
from pneumo_fastai.grid import grid
from pneumo_fastai.runs.folder import GRID
from pneumo_fastai.runs.sweeps import FAILED, grid_text

FEW = ['--n-boot', '40']
GAINS = {'lr=0.0001': (1.2, 2.5), 'lr=0.001': (2.2, .6), 'lr=0.01': (.4, 1.4)}  # on valid, on test: test would choose another one


@pytest.fixture(scope='module')
def made(tmp_path_factory, write_member):
    "A sweep of three settings and three seeds, of which one member failed and one is not trained yet."
    folder = tmp_path_factory.mktemp('runs')/'e-sweep'
    folder.mkdir()
    base = load_experiment('weighted')[1]
    found = grid('e', base, ['lr=1e-4,1e-3,1e-2', 'seed=0,1,2'])
    (folder/'experiment.toml').write_text(toml(base))
    (folder/GRID).write_text(grid_text(found))
    for m in found.members[:-2]: write_member(folder/m.name, m.experiment, GAINS[m.name.split(',')[0]], m.values['seed'])
    (folder/f'{found.members[-2].name}{FAILED}').write_text('the loss is <nan>\nmore')
    return folder


@pytest.fixture
def sweep(made, tmp_path): return shutil.copytree(made, tmp_path/'e-sweep')


def written(folder): return {n: (folder/n).read_text() for n in ('sweep.csv', 'sweep.md', 'sweep.tex', 'sweep.json', 'report.html')}


def of(folder, split):
    rows = pd.read_csv(folder/'predictions.csv').query(f'split == "{split}"')
    return roc_auc_score(rows.label, rows.probability)


def test_it_is_chosen_on_valid_and_test_is_shown_for_the_chosen_alone(sweep, capsys, undrawn):
    assert run(evaluate, [str(sweep), *FEW]) == 0
    screen, found, files = capsys.readouterr().out, json.loads((sweep/'sweep.json').read_text()), written(sweep)
    assert all(len(line) <= 80 for line in screen.splitlines() if 'read ' not in line)
    rows = {r['setting']: r for r in found['rows']}
    assert [k for k, r in rows.items() if r['chosen']] == ['lr=0.001'] and found['rows'][found['chosen'][0]] == rows['lr=0.001']
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


def test_reveal_shows_the_test_of_all_and_the_choice_stays(sweep, capsys, undrawn):
    assert run(evaluate, [str(sweep), *FEW, '--reveal', '--operating-point', 'sensitivity=0.9']) == 0
    assert 'evaluate SWEEP --reveal --operating-point sensitivity=0.9 --error 0.1 --n-boot 40' in (sweep/'report.html').read_text()
    found, files = json.loads((sweep/'sweep.json').read_text()), written(sweep)
    assert [found['rows'][i]['setting'] for i in found['chosen']] == ['lr=0.001']
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
