"What a finished run's files must be: as they were when it ended, and of one mind about each image."
import json
import subprocess

import pandas as pd
import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluate import evaluate
from pneumo_fastai.runs.checksums import read_sums, renewing, write_sums
from pneumo_fastai.runs.folder import NEVER
from pneumo_fastai.writing import write

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


def finished(folder):
    "What fit leaves: checksums, and an environment that says that there are some."
    about = json.loads((folder/'environment.json').read_text())
    (folder/'environment.json').write_text(json.dumps(dict(about, checksums='SHA256SUMS')))
    write_sums(folder)
    return folder


def changed(folder, change):
    table = pd.read_csv(folder/'predictions.csv')
    before = len(table[table.split == 'test'])
    table = table if (new := change(table)) is None else new
    table.to_csv(folder/'predictions.csv', index=False)
    return before


@pytest.mark.parametrize('change, says, how', CHANGES)
@pytest.mark.parametrize('sums', [True, False])
def test_predictions_that_differ_from_the_split_are_refused_and_never_go_unsaid(new_run, capsys, change, says, how, sums):
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


@pytest.mark.parametrize('name', ['split.csv', 'predictions.csv', 'history.csv', 'rejected.csv', 'experiment.toml', 'environment.json'])
@pytest.mark.parametrize('spoil', [lambda p: p.unlink(), lambda p: p.write_text(''), lambda p: p.write_bytes(p.read_bytes() + b'\xff')])
def test_each_file_that_is_not_as_it_was_is_named(new_run, capsys, name, spoil):
    folder = finished(new_run())
    spoil(folder/name)
    assert run(evaluate, [str(folder), *FEW]) == 2
    err = capsys.readouterr().err
    assert err.count('\n') == 1 and name in err


def test_coreutils_agrees_after_evaluate_and_only_of_what_it_wrote(new_run):
    folder = finished(new_run())
    command = 'sha256sum', '--quiet', '-c', 'SHA256SUMS'
    def check(): return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert check().returncode == 0 and run(evaluate, [str(folder), *FEW]) == 0 and check().returncode == 0
    assert {'predictions.csv', 'report.html', 'metrics.json', 'roc.png'} < set(read_sums(folder))
    changed(folder, relabelled)
    assert run(evaluate, [str(folder), *FEW, '--force']) == 0
    assert check().stdout.splitlines() == ['predictions.csv: FAILED']
    assert run(evaluate, [str(folder), *FEW]) == 2


def test_a_run_of_before_and_one_that_never_ended(new_run, capsys):
    folder = new_run()
    assert run(evaluate, [str(folder), *FEW]) == 0 and not (folder/'SHA256SUMS').exists()
    assert NEVER in json.loads((folder/'metrics.json').read_text())['warnings'] and NEVER[:60] in ' '.join(capsys.readouterr().out.split())
    (finished(folder)/'SHA256SUMS').unlink()
    assert run(evaluate, [str(folder), *FEW]) == 2
    err = capsys.readouterr().err
    assert err.count('\n') == 1 and 'not finished' in err and run(evaluate, [str(folder), *FEW, '--force']) == 0
    assert 'not finished' in (folder/'report.html').read_text()


def test_several_runs_are_compared_with_force_and_the_table_says_so(new_run, tmp_path, capsys):
    runs = [finished(new_run('a')), finished(new_run('b', seed=1))]
    changed(runs[1], another)
    argv = [*map(str, runs), *FEW, '--out', str(tmp_path/'c')]
    assert run(evaluate, argv) == 2 and 'another patient' in capsys.readouterr().err
    assert run(evaluate, [*argv, '--force']) == 0 and 'another patient' in (tmp_path/'c.tex').read_text()


def test_what_is_written_within_is_renewed_and_the_rest_kept(tmp_path):
    for name in ('a', 'b'): (tmp_path/name).write_text(name)
    with renewing(tmp_path): write(tmp_path/'a', 'x')
    assert read_sums(tmp_path) is None
    write_sums(tmp_path)
    before = read_sums(tmp_path)
    (tmp_path/'b').write_text('changed by hand')
    with renewing(tmp_path):
        write(tmp_path/'a', 'y')
        write(tmp_path/'c', 'new')
    after = read_sums(tmp_path)
    assert after['b'] == before['b'] and after['a'] != before['a'] and set(after) == {'a', 'b', 'c'}
    with pytest.raises(InputError), renewing(tmp_path): raise InputError('x')
    assert read_sums(tmp_path) == after


def test_one_remedy_for_a_run_that_never_ended_and_a_cell_that_is_blank(new_run, capsys):
    (finished(folder := new_run())/'SHA256SUMS').unlink()
    assert run(evaluate, [str(folder), *FEW]) == 2
    err = capsys.readouterr().err
    assert 'train it anew' in err and 'put it back' not in err
    lines = (folder/'split.csv').read_text().splitlines()
    (folder/'split.csv').write_text('\n'.join([*lines[:5], lines[5].split(',')[0]]))
    assert run(evaluate, [str(folder), *FEW, '--force']) == 2
    err = capsys.readouterr().err
    assert 'the first is blank' in err and 'nan' not in err and err.count('\n') == 1
