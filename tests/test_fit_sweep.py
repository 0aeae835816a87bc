"fit --sweep: what it refuses, what it prints, and that it goes on after it was killed."
import json
import os
import pickle
import signal
import subprocess
import sys
import time

import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.errors import InputError
from pneumo_fastai.fit import fit

SMALL = ['--size', '32', '--batch-size', '16', '--epochs', '1', '--tta', '0', '--precision', 'float32']


@pytest.mark.parametrize('argv, says', [
    (['--sweep', 'lr'], "sweep got 'lr'"), (['--sweep', 'lrr=1,2'], "did you mean 'lr'"), (['--sweep', 'lr=1e-4,x'], "lr got 'x'"),
    (['--sweep', 'seed=1,1'], 'twice'), (['--sweep'], '--sweep'), (['--sweep', ''], '--sweep is empty'),
    (['--sweep', 'seed=3'], 'one member'), (['--sweep', 'arch=resnet18,resnet'], 'resnet'),
    (['--sweep', 'mixup=0,0.2', 'cutmix=0,1'], 'mixup=0.2,cutmix=1.0: mixup and cutmix both'),
    (['--sweep', 'gradcam_layers=layer4,fc'], "no layer 'fc'"), (['--sweep', 'lr=1,2', '--lr', '1'], 'given twice, by --lr and by --sweep'),
    (['--sweep', 'lr=1,2', '--resume', 'x'], 'was begun'), (['--sweep', 'lr=1,2', '--folds', '3'], 'leave out --sweep, or folds'),
    (['--reveal'], '--reveal is for a sweep'), (['--jobs', '2'], 'this is a single run'),
    (['--sweep', 'seed=0,1', '--jobs', '0'], 'jobs is 0'),
    (['--folds', '3', '--jobs', '2', '--cluster', 'dask://h:1'], '--jobs is for'), (['--folds', '3', '--cluster', 'h:1'], 'dask://HOST')])
def test_what_cannot_be_is_refused_in_one_line_before_the_data_are_read(tmp_path, monkeypatch, capsys, argv, says):
    monkeypatch.chdir(tmp_path)
    assert run(fit, ['--data', 'nowhere', *argv]) == 2
    err = capsys.readouterr().err
    assert err.startswith('error: ') and err.count('\n') == 1 and says in err and not list(tmp_path.iterdir())


@pytest.mark.slow
def test_what_failed_is_told_at_the_end_and_the_same_command_tries_it_again(small, films, tmp_path, monkeypatch, capsys):
    from pneumo_fastai.training import run as runs
    for name in ('present', 'draw_images'): monkeypatch.setattr(runs, name, lambda *a: None)  # the members' figures and pages
    argv = ['--data', str(films), *SMALL, '--out', str(tmp_path/'runs'), '--sweep', 'lr=1e-3,1e-2', 'seed=0,1']
    with monkeypatch.context() as m:
        real = runs.fit_into
        def fails(folder, experiment, *rest):
            if experiment.lr == .01 and experiment.seed: raise InputError('the loss is nan at epoch 0, step 3 of 3')
            return real(folder, experiment, *rest)
        m.setattr(runs, 'fit_into', fails)
        assert run(fit, argv) == 2
    out, err = capsys.readouterr()
    assert err == ('error: 1 of 4 members failed, the same command tries them again; '
                   'lr=0.01,seed=1: the loss is nan at epoch 0, step 3 of 3\n')
    assert 'lr=0.01,seed=1 failed: the loss is nan' in ' '.join(out.split()) and 'Chosen on valid, of 2 settings: lr=0.001' in out
    folder, = (tmp_path/'runs').iterdir()
    assert (folder/'lr=0.01,seed=1.failed').is_file() and not (folder/'lr=0.01,seed=1').exists()
    assert run(fit, argv) == 0 and 'member 3 of 4: lr=0.01,seed=0, done' in capsys.readouterr().out
    assert (folder/'lr=0.01,seed=1').is_dir() and not list(folder.glob('*.failed'))
    subprocess.run(['sha256sum', '--quiet', '-c', 'SHA256SUMS'], cwd=folder, check=True)


@pytest.mark.parametrize('more', [[], ['--folds', '3'], ['--sweep', 'seed=0,1'], ['--folds', '3', '--jobs', '1'],
                                  ['--sweep', 'seed=0,1', '--cluster', 'dask://h:1']])
def test_minutes_between_checkpoints_are_those_of_every_training(small, films, tmp_path, monkeypatch, more):
    from pneumo_fastai import cluster
    from pneumo_fastai.training import checkpoints, crew
    monkeypatch.setattr(crew, 'as_they_end', lambda calls, *who: map(cluster.called, calls))  # in this process
    monkeypatch.setattr(cluster, 'find_spec', lambda name: name)
    monkeypatch.setattr(crew, 'in_child', lambda call, died: cluster.called(pickle.loads(call)))
    kept = []
    def first(folder, state):
        kept.append(state['step'])
        raise OSError(28, 'full', str(folder))
    monkeypatch.setattr(checkpoints, 'save', first)
    argv = ['--data', str(films), *SMALL, '--out', str(tmp_path/'runs'), *more]
    assert run(fit, [*argv, '--minutes', '0']) == 2 and set(kept) == {1}  # after the first step, not at the end of the epoch
    folder, = (tmp_path/'runs').iterdir()
    kept.clear()
    assert run(fit, ['--resume', str(folder), *more[2:], '--minutes', '0']) == 2 and set(kept) == {1}


def files(folder): return {p: p.read_bytes() for p in sorted(folder.rglob('*')) if p.is_file()}


@pytest.mark.slow
def test_six_members_killed_in_the_middle_go_on_and_what_was_finished_is_untouched(films, tmp_path):
    typed = [sys.executable, '-m', 'pneumo_fastai.fit', '--data', str(films), *SMALL, '--cache', str(tmp_path/'cache'),
             '--sweep', 'lr=1e-4,1e-3', 'seed=0,1,2']
    killed = subprocess.Popen(typed, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    def finished(): return {p.name: p for p in tmp_path.glob('runs/*/lr=*') if p.suffix != '.partial'}
    until = time.monotonic() + 300
    while len(finished()) < 2 and killed.poll() is None and time.monotonic() < until: time.sleep(.2)
    time.sleep(2)  # into the third
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    before = {name: files(p) for name, p in finished().items()}
    assert 2 <= len(before) < 6 and list(tmp_path.glob('runs/*/*.partial'))
    done = subprocess.run(typed, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    folder, = (tmp_path/'runs').iterdir()
    assert len(finished()) == 6 and not list(folder.glob('*.partial')) and (folder/'report.html').is_file()
    for name, was in before.items(): assert files(folder/name) == was
    assert json.loads((folder/'sweep.json').read_text())['finished'] == 6
