"The files of a run must be of one mind about each image."

import pandas as pd
import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.evaluate import evaluate

pytestmark = pytest.mark.usefixtures('undrawn')
FEW = ['--n-boot', '5']


def relabelled(t): t.loc[t.split == 'test', 'label'] ^= 1
def moved(t): t.loc[t.index[t.split == 'valid'][0], 'split'] = 'test'
def of_train(t): t.loc[t.index[:3], 'split'] = 'train'
def another(t): t.loc[t.index[5], 'patient'] = 'somebody'
def unknown(t): t.loc[t.index[7], 'path'] = '/films/none.dcm'
def deleted(t): return t.drop(t.index[[2, 3, 9]])


CHANGES = [(relabelled, 'gives {n} images another label', ' instead of '), (moved, '1 images another split', '(test instead of valid)'),
           (of_train, '3 images another split', 'train instead of'), (another, '1 images another patient', 'somebody instead of p'),
           (unknown, '1 images that are not in valid or test', 'none.dcm'), (deleted, 'lacks 3 images', 'of split.csv')]


def changed(folder, change):
    table = pd.read_csv(folder/'predictions.csv')
    before = len(table[table.split == 'test'])
    table = table if (new := change(table)) is None else new
    table.to_csv(folder/'predictions.csv', index=False)
    return before


@pytest.mark.parametrize('change, says, how', CHANGES)
@pytest.mark.parametrize('sums', [True, False])
def test_predictions_that_differ_from_the_split_are_refused_and_never_go_unsaid(new_run, capsys, change, says, how, sums, finished):
    folder = new_run()
    if sums: finished(folder)
    n = changed(folder, change)
    assert run(evaluate, [str(folder), *FEW]) == 2
    err = capsys.readouterr().err
    assert err.count('\n') == 1 and says.format(n=n) in err and how in err and '--force' in err and "'/films/" in err
    assert ('predictions.csv was another' in err) == sums and not (folder/'metrics.json').exists()
    assert run(evaluate, [str(folder), *FEW, '--force']) == 0
    assert says.format(n=n) in ' '.join(capsys.readouterr().out.split())
    for name in ('metrics.json', 'report.html'): assert says.format(n=n) in (folder/name).read_text()


def test_several_runs_are_compared_with_force_and_the_table_says_so(new_run, tmp_path, capsys, finished):
    runs = [finished(new_run('a')), finished(new_run('b', seed=1))]
    changed(runs[1], another)
    argv = [*map(str, runs), *FEW, '--out', str(tmp_path/'c')]
    assert run(evaluate, argv) == 2 and 'another patient' in capsys.readouterr().err
    assert run(evaluate, [*argv, '--force']) == 0 and 'another patient' in (tmp_path/'c.tex').read_text()
