"Members trained apart; by real processes and a real scheduler: tests/test_cluster.py."
import pickle
import threading
from dataclasses import replace
from pathlib import Path
from signal import SIGINT, SIGTERM
from types import SimpleNamespace

import pytest
import torch
from filelock import FileLock
from rich.console import Console
from rich.progress import Progress

from pneumo_fastai.data.prepare import find_cohort, prepare
from pneumo_fastai.errors import Failed, InputError
from pneumo_fastai.training import crew, members
from pneumo_fastai.training.interrupt import Interrupted, StopFile


@pytest.fixture
def hands(films, tmp_path): return crew.crew(str(films), tmp_path/'cache', 'command', jobs=2)


@pytest.fixture
def one(tiny, tmp_path):
    "The second of three folds."
    (tmp_path/'all').mkdir()
    return crew.Member(tmp_path/'all'/'fold-2', tiny, 'e, fold 2 of 3', replace(tiny, folds=3), 'the sum', 1)


@pytest.fixture
def unread(monkeypatch): monkeypatch.setattr(crew, 'cohort_of', lambda *a: None)


@pytest.fixture
def in_place(monkeypatch):
    "Calls are run by this process, one after the other."
    def calls(each, cluster, jobs, lost):
        for function, args, kwargs in each: yield function(*args, **kwargs)
    monkeypatch.setattr(crew, 'as_they_end', calls)


@pytest.fixture
def seen(monkeypatch):
    "What `train_member` was given, and in place of it what `seen.then` does."
    seen = SimpleNamespace(then=lambda: None, all=[])
    def train_member(place, experiment, cohort, command, progress, name, stop, minutes):
        seen.all.append((place.name, experiment, cohort, name))
        seen.then()
        place.mkdir()
    monkeypatch.setattr(members, 'train_member', train_member)
    return seen


def go(one, hands, ended=lambda *a: None, each=None):
    crew.train_apart(one.place.parent, each or [one], hands, Progress(console=Console(quiet=True)), ended)


def test_who_trains_and_with_how_many_threads(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch, 'get_num_threads', lambda: 7)
    assert crew.crew('demo', None, 'c') is None
    two = crew.crew('films', None, 'c', jobs=2)
    assert (two.data, two.base, two.threads, Path(two.cache).is_absolute()) == (str(tmp_path/'films'), str(tmp_path), 3, True)
    assert crew.crew('demo', None, 'c', jobs=9).threads == 1 and crew.crew('demo', None, 'c', cluster='dask://h:1').threads is None


def test_a_worker_reads_the_images_and_cuts_the_fold_by_itself(one, hands, in_place, seen):
    one, told = one._replace(sum=crew.sum_of(prepare(find_cohort(hands.data), one.how, hands.cache))), []
    go(one, hands, lambda *a: told.append(a))
    (name, experiment, cohort, title), = seen.all
    assert (name, experiment, title) == ('fold-2', one.experiment, one.name) and told == [('fold-2', None)]
    assert cohort.table.equals(prepare(find_cohort(hands.data), one.how, hands.cache, fold=1).table)
    assert not crew.lock_of(one.place).exists()
    go(one, hands)  # the call once more, when it is there: a worker that was thought dead was not
    assert len(seen.all) == 1 and pickle.loads(pickle.dumps((hands, one))) == (hands, one)


def test_other_images_where_the_worker_is_are_refused(one, hands, in_place, seen):
    told = []
    go(one, hands, lambda *a: told.append(a))
    assert isinstance(told[0][1], InputError) and 'other images' in str(told[0][1]) and not seen.all


@pytest.mark.slow
def test_what_fails_is_told_with_the_way_there_and_what_is_raised_then_asks_all_to_stop(one, hands, in_place, seen, unread):
    class Local(Exception): "Cannot be sent."
    told = []
    for error, kind, says in ((InputError('nan'), InputError, 'nan'), (OSError(28, 'full', 'a'), OSError, 'full'),
                              (Local('x'), Failed, 'Local: x')):
        def fail(error=error): raise error
        seen.then = fail
        go(one, hands, lambda *a: told.append(a[1]))
        assert type(told[-1]) is kind and says in str(told[-1]) and 'in fail' in told[-1].__notes__[0]
    def raised(name, error): raise error
    with pytest.raises(Failed): go(one, hands, raised)
    assert StopFile(one.place.parent/crew.STOP).signal == SIGTERM
    seen.then = lambda: None
    go(one, hands)  # which is forgotten the next time
    assert one.place.is_dir()


def test_asked_to_stop_the_next_do_not_begin(one, hands, in_place, seen, unread):
    def ask():
        StopFile(one.place.parent/crew.STOP).signal = SIGINT
        raise Interrupted
    seen.then, told, two = ask, [], [one, one._replace(place=one.place.with_name('fold-3'))]
    with pytest.raises(Interrupted) as e: go(one, hands, lambda *a: told.append(a), two)
    assert e.value.signal == SIGINT and len(seen.all) == 1 and not told


def test_who_comes_late_waits_and_leaves_where_it_is_to_stop(one, hands, seen):
    held = FileLock(crew.lock_of(one.place))
    stop, found = StopFile(one.place.parent/crew.STOP), []
    held.acquire()
    late = threading.Thread(target=lambda: found.append(crew.train_one(hands, one)))
    late.start()
    late.join(.2)
    assert late.is_alive()
    stop.signal = SIGTERM
    late.join()
    held.release()
    assert isinstance(found[0][1], Interrupted) and found[0][1].signal == SIGTERM and not seen.all


def test_a_member_whose_processes_all_die_fails_alone(one, hands, monkeypatch):
    monkeypatch.setattr(crew, 'as_they_end', lambda each, cluster, jobs, lost: map(lost, each))  # as if none came back
    told = []
    go(one, hands, lambda *a: told.append(a), [one, one._replace(place=one.place.with_name('fold-3'))])
    assert [name for name, _ in told] == ['fold-2', 'fold-3'] and {str(error) for _, error in told} == {crew.DIED}
