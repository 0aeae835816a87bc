"Several processes: what they say to each other, and `fit` by two of them."
import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from pneumo_fastai import fit, processes
from pneumo_fastai.errors import Failed, InputError
from pneumo_fastai.experiment import Experiment


def test_one_that_is_alone_hears_itself():
    assert (processes.rank(), processes.world()) == (0, 1)
    assert processes.from_first(lambda: 3) == processes.machine_by_machine(lambda: 3) == 3
    assert processes.largest(2, 0) == [2, 0] and processes.each(5) == [5] and processes.mean(torch.ones(1)) == 1
    with pytest.raises(RuntimeError, match='Connection'), processes.together(), processes.heard():
        raise RuntimeError('Connection reset')


@pytest.fixture
def store(monkeypatch):
    "As if others had been joined, by what they would have in common; sets which one this is."
    monkeypatch.setattr(processes, 'STORE', [torch.distributed.HashStore()])
    return lambda rank: monkeypatch.setattr(processes, 'rank', lambda: rank)


def test_the_first_that_fails_says_why_and_the_others_know(store, monkeypatch):
    monkeypatch.setattr(processes, 'joined', lambda: True)
    assert 'without a word' in processes.why()
    store(1)
    assert processes.says(InputError('no room'))
    store(0)
    assert not processes.says(Failed('later'))
    with pytest.raises(Failed, match='process 1 ended: no room'), processes.heard():
        raise RuntimeError('Connection closed by peer')
    with pytest.raises(RuntimeError, match='sizes'), processes.heard(): raise RuntimeError('sizes of tensors')


def test_all_are_asked_to_stop_and_the_first_says_it(store):
    for rank, says in ((1, False), (0, True)):
        store(rank)
        assert processes.says(KeyboardInterrupt()) is says


def test_what_several_cannot_train_is_refused(monkeypatch):
    for module in (fit, processes): monkeypatch.setattr(module, 'world', lambda: 3)
    with pytest.raises(InputError, match='give a multiple of 3'): processes.shareable(Experiment())
    with pytest.raises(InputError, match='compiled trains in one process'): processes.shareable(Experiment(batch_size=33, compiled=True))
    with pytest.raises(InputError, match='a sweep trains in one process'): fit.swept(None, 'films', None, None, False, 10., (None, None))
    processes.shareable(Experiment(batch_size=33))


def test_machines_with_other_images_are_told_apart(cohort, monkeypatch):
    processes.same_everywhere(cohort)
    monkeypatch.setattr(processes, 'each', lambda value: [value, 'other'])
    with pytest.raises(InputError, match='other images on one machine'): processes.same_everywhere(cohort)


SMALL = '--size 32 --batch-size 16 --precision float32 --class-weights balanced --lr 1e-4 --minutes 0'.split()


def typed(films, out, *more):
    return ['-m', 'pneumo_fastai.fit', '--data', films, '--out', out, '--cache', out.parent/'cache', *SMALL, *more]


def history(out):
    folder, = out.iterdir()
    with (folder/'history.csv').open() as file: return [[float(v) for v in row.values()] for row in csv.DictReader(file)]


@pytest.mark.slow
def test_fit_by_two_processes_is_fit_by_one(by_two, films, tmp_path):
    two = by_two(*typed(films, tmp_path/'two', '--epochs', 1))
    assert two.returncode == 0, two.stderr
    cores = len(os.sched_getaffinity(0))
    assert f'2 processes, 2 on each machine, by gloo; threads of each: {max(1, cores // 2)} ({cores} cores' in two.stdout
    assert len(re.findall('run folder', two.stdout)) == 1
    subprocess.run([sys.executable, *map(str, typed(films, tmp_path/'one', '--epochs', 1))], check=True, capture_output=True)
    (one,), (other,) = history(tmp_path/'one'), history(tmp_path/'two')
    assert abs(one[1] - other[1]) < 1e-4 and abs(one[2] - other[2]) < 1e-3
    folder, = (tmp_path/'two').iterdir()
    subprocess.run(['sha256sum', '--quiet', '-c', 'SHA256SUMS'], cwd=folder, check=True)


@pytest.mark.slow
def test_what_is_wrong_is_said_once(by_two, films, tmp_path):
    done = by_two(*typed(films, tmp_path/'out', '--batch-size', 15))
    assert done.returncode and done.stderr.count('error: batch_size 15') == 1 and 'InputError' not in done.stderr


def process_of(parent, rank):
    "The process id of torchrun's worker of this rank."
    for child in map(int, Path(f'/proc/{parent}/task/{parent}/children').read_text().split()):
        if f'\0RANK={rank}\0' in Path(f'/proc/{child}/environ').read_text(): return child


@pytest.mark.slow
def test_one_is_killed_the_others_end_and_one_process_goes_on(films, tmp_path):
    out = tmp_path/'out'
    start = '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2'
    run = [sys.executable, *start, *map(str, typed(films, out, '--epochs', 4))]
    with subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as torchrun:
        while not list(out.glob('*/checkpoints/2-00001-000000001*')): time.sleep(.1)
        os.kill(process_of(torchrun.pid, 1), signal.SIGKILL)
        _, said = torchrun.communicate(timeout=60)
    assert torchrun.returncode and said.count('error: another process ended without a word') == 1
    folder, = out.iterdir()
    assert json.loads((folder/'state.json').read_text())['state'] == 'failed'
    on = subprocess.run([sys.executable, '-m', 'pneumo_fastai.fit', '--resume', folder], capture_output=True, text=True, check=False)
    assert on.returncode == 0 and 'another number of processes, 1 after 2' in on.stdout and len(history(out)) == 4
