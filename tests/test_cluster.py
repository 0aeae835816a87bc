"Real processes, real schedulers, some of them killed: every call comes back once."
import contextlib
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from joblib import delayed

from pneumo_fastai import cluster
from pneumo_fastai.cli import run
from pneumo_fastai.cluster import as_they_end, in_child
from pneumo_fastai.errors import Failed, InputError
from pneumo_fastai.fit import fit

WORK = '''import os, signal, time
def square(i): return i * i
def slow(i):
    time.sleep(.1)
    return i * i, os.getpid()
def ends_once(i, mark):
    "Ends its process the first time."
    try: os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError: return slow(i)
    os.kill(os.getpid(), signal.SIGKILL)
def ends(): os.kill(os.getpid(), signal.SIGKILL)
def fails(): raise OSError(28, 'No space left')
def about(): return os.environ['OMP_NUM_THREADS'], signal.getsignal(signal.SIGINT) == signal.SIG_IGN
'''
SQUARES = [i * i for i in range(12)]


@pytest.fixture(autouse=True)
def work(tmp_path, monkeypatch):
    "A module that workers can import; they do not find this one."
    (tmp_path/'calls').mkdir()
    (tmp_path/'calls'/'called_by_tests.py').write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path/'calls')
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join([str(tmp_path/'calls'), str(Path(cluster.__file__).parents[1])]))
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '')
    import called_by_tests
    yield called_by_tests
    del sys.modules['called_by_tests']


def test_each_call_comes_back_once_and_no_more_are_taken_than_are_needed(work):
    taken = []
    def calls():
        for i in range(12):
            taken.append(i)
            yield delayed(work.square)(i)
    got = []
    for value in as_they_end(calls(), jobs=2):
        got.append(value)
        assert len(taken) <= len(got) + 2
    assert sorted(got) == SQUARES and not list(as_they_end([], jobs=2))
    assert list(as_they_end([delayed(work.about)()], jobs=3)) == [('1', True)]


def test_a_worker_that_dies_costs_one_call_of_its_own(work, tmp_path):
    calls = [delayed(work.ends_once)(0, str(tmp_path/'mark')), *(delayed(work.slow)(i) for i in range(1, 12))]
    got = list(as_they_end(calls, jobs=2))
    assert sorted(v for v, _ in got) == SQUARES and len({pid for _, pid in got}) == 2  # the other went on, with one in the dead one's place


def test_a_call_that_ends_every_worker_fails_and_an_error_is_the_calls_own(work):
    with pytest.raises(Failed, match='again and again'): list(as_they_end([delayed(work.ends)()], jobs=1))
    with pytest.raises(OSError, match='No space left'): list(as_they_end([delayed(work.fails)()], jobs=1))


def test_the_others_go_on_where_what_is_lost_has_an_answer(work):
    calls = [delayed(work.square)(2), delayed(work.ends)(), delayed(work.square)(3)]
    assert list(as_they_end(calls, jobs=1, lost=lambda call: call[0].__name__)) == [4, 'ends', 9]


def test_who_stops_listening_ends_the_workers(work):
    some = as_they_end((delayed(work.slow)(i) for i in range(99)), jobs=1)
    _, pid = next(some)
    some.close()
    with pytest.raises(ProcessLookupError): os.kill(pid, 0)


def test_a_call_in_a_child_comes_back_or_it_is_said_that_it_died(work, capfd):
    assert in_child(pickle.dumps(delayed(work.square)(3)), 'died') == 9
    assert in_child(pickle.dumps(delayed(print)('seen')), 'died') is None and capfd.readouterr() == ('', 'seen\n')
    for ends in (work.ends, work.fails): assert in_child(pickle.dumps(delayed(ends)()), 'died') == 'died'


@pytest.mark.parametrize('name, says', [
    ('localhost:8786', 'give dask://HOST:PORT or ray://HOST:PORT'), ('dask://', 'give dask'), ('mpi://h:1', 'give dask')])
def test_an_address_of_nothing_known_is_an_input_error(name, says):
    with pytest.raises(InputError, match=says): as_they_end([], name)


def test_what_is_missing_or_contradicts_is_said(monkeypatch):
    for jobs, address in ((0, None), (2, 'dask://h:1')):
        with pytest.raises(InputError, match='jobs'): as_they_end([], address, jobs)
    monkeypatch.setattr(cluster, 'find_spec', lambda name: None)
    with pytest.raises(InputError, match=r"dask://h:1 needs distributed: pip install 'pneumo_fastai\[dask\]'"): as_they_end([], 'dask://h:1')


@contextlib.contextmanager
def started(*command, n=1):
    "So many processes of a command, in a group each, which end with the block."
    ps = [subprocess.Popen([sys.executable, '-m', *map(str, command)], start_new_session=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL) for _ in range(n)]
    try: yield ps
    finally:
        for p in ps:
            with contextlib.suppress(ProcessLookupError): os.killpg(p.pid, signal.SIGKILL)
            p.wait()


@pytest.fixture
def dask(tmp_path):
    "The address of a scheduler on loopback with two workers, and its process."
    distributed = pytest.importorskip('distributed', reason='distributed is not installed')
    where = tmp_path/'scheduler.json'
    with started('dask', 'scheduler', '--host', '127.0.0.1', '--port', 0, '--no-dashboard', '--scheduler-file', where) as (scheduler,):
        while not where.exists(): time.sleep(.05)
        worker = ('dask', 'worker', '--scheduler-file', where, '--nthreads', 1, '--no-dashboard', '--local-directory', tmp_path)
        with started(*worker, n=2):
            address = json.loads(where.read_text())['address']
            with distributed.Client(address, set_as_default=False) as client: client.wait_for_workers(2, timeout=60)
            yield address.replace('tcp', 'dask'), scheduler


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_and_one_of_its_workers_may_be_killed(work, tmp_path, dask):
    dask, scheduler = dask
    calls = [delayed(work.ends_once)(0, str(tmp_path/'mark')), *(delayed(work.slow)(i) for i in range(1, 12))]
    assert sorted(v for v, _ in as_they_end(iter(calls), dask)) == SQUARES
    with pytest.raises(OSError, match='No space left'): list(as_they_end([delayed(work.fails)()], dask))
    with pytest.raises(Failed, match='again and again'): list(as_they_end([delayed(work.ends)()], dask))
    some = as_they_end((delayed(work.slow)(i) for i in range(999)), dask)
    next(some)
    some.close()
    lost = as_they_end((delayed(work.slow)(i) for i in range(999)), dask)
    next(lost)
    scheduler.kill()
    with pytest.raises(Failed, match='was lost'): list(lost)


SMALL = '--size 32 --batch-size 16 --epochs 2 --tta 0 --precision float32 --sweep seed=0,1,2'.split()
TIMES = ['minutes', 'images_per_second']


@pytest.fixture(scope='module')
def alone(films, tmp_path_factory):
    "(what to type for a sweep of three, but for --out; its folder when one process trained it)."
    here = tmp_path_factory.mktemp('sweep')
    typed = ['--data', str(films), '--cache', str(here/'cache'), *SMALL]
    command = [sys.executable, '-m', 'pneumo_fastai.fit', *typed, '--out', str(here/'alone')]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {'CUDA_VISIBLE_DEVICES': ''})
    return typed, next((here/'alone').iterdir())


def swept(typed, out, *more):
    "The folder of the sweep."
    assert run(fit, [*typed, '--out', str(out), *more]) == 0
    folder, = out.iterdir()
    return folder


def same(one, other):
    "Asserts that two sweeps have the same members, predictions and table, but for times."
    assert {p.name for p in one.iterdir()} == {p.name for p in other.iterdir()} >= {f'seed={k}' for k in range(3)}
    for k in range(3):
        for name in ('predictions.csv', 'history.csv', 'split.csv', 'model/weights.safetensors'):
            assert (one/f'seed={k}'/name).read_bytes() == (other/f'seed={k}'/name).read_bytes(), (k, name)
    tables = [pd.read_csv(o/'sweep.csv').drop(columns=TIMES) for o in (one, other)]
    pd.testing.assert_frame_equal(*tables)


def kill_one(address, folder):
    "The process of one of the workers, when two members have learnt for an epoch."
    from distributed import Client
    with Client(address.replace('dask', 'tcp'), set_as_default=False) as client: pids = list(client.run(os.getpid).values())
    while len(list(folder.glob('*/*.partial/history.csv'))) < 2: time.sleep(.1)
    os.kill(pids[0], signal.SIGKILL)


@pytest.mark.slow
def test_a_sweep_by_dask_one_worker_killed_in_the_middle_gives_the_same_table_and_each_member_once(alone, tmp_path, dask):
    killer = threading.Thread(target=kill_one, args=(dask[0], tmp_path/'many'), daemon=True)
    killer.start()
    many = swept(alone[0], tmp_path/'many', '--cluster', dask[0])
    assert not killer.is_alive()
    same(alone[1], many)


@pytest.mark.slow
def test_a_sweep_by_two_processes_gives_the_same(alone, tmp_path):
    same(alone[1], swept(alone[0], tmp_path/'many', '--jobs', '2'))


def test_where_nobody_answers_is_said_in_one_line(monkeypatch):
    pytest.importorskip('distributed', reason='distributed is not installed')
    monkeypatch.setattr(cluster, 'PATIENCE', 1)
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    with pytest.raises(InputError, match='answers at'): list(as_they_end([], f'dask://127.0.0.1:{port}'))


@pytest.fixture
def ray(tmp_path_factory):
    "The address of a head node on loopback with two workers."
    pytest.importorskip('ray', reason='ray is not installed')
    pytest.importorskip('grpc', reason='ray[client] is not installed')
    with socket.socket() as a, socket.socket() as b:
        for s in (a, b): s.bind(('127.0.0.1', 0))
        gcs, port = a.getsockname()[1], b.getsockname()[1]
    command = ('ray.scripts.scripts', 'start', '--head', '--block', '--num-cpus', 2, '--node-ip-address', '127.0.0.1', '--port', gcs,
               '--ray-client-server-port', port, '--min-worker-port', 0, '--max-worker-port', 0, '--include-dashboard', 'false',
               '--disable-usage-stats', '--object-store-memory', 10**8, '--temp-dir', tmp_path_factory.mktemp('r'))
    with started(*command):
        while not answers(port): time.sleep(.2)
        yield f'ray://127.0.0.1:{port}'


def answers(port):
    with socket.socket() as s: return not s.connect_ex(('127.0.0.1', port))


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore')  # Ray's own
def test_a_ray_cluster_gives_the_same_and_one_of_its_workers_may_be_killed(work, tmp_path, ray):
    calls = [delayed(work.ends_once)(0, str(tmp_path/'mark')), *(delayed(work.slow)(i) for i in range(1, 12))]
    assert sorted(v for v, _ in as_they_end(iter(calls), ray)) == SQUARES
    with pytest.raises(OSError, match='No space left'): list(as_they_end([delayed(work.fails)()], ray))


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore')
def test_a_sweep_by_ray_gives_the_same(alone, tmp_path, ray):
    same(alone[1], swept(alone[0], tmp_path/'many', '--cluster', ray))
