import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from pneumo_fastai.cli import run
from pneumo_fastai.evaluate import evaluate
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.experiment import Experiment
from pneumo_fastai.report.tables.repetitions import compared
from pneumo_fastai.runs.folder import read_run

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
