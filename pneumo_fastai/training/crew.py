"""Members trained apart from this process: by processes of this machine, or by the workers of a cluster, which see the same files. A worker
is told where the images are and reads them itself; what one leaves that dies is in the member's folder, for the next to go on with."""
import os
import pickle
import traceback
from contextlib import chdir, contextmanager, nullcontext
from hashlib import sha256
from pathlib import Path
from signal import SIGTERM
from typing import NamedTuple

import torch
from filelock import FileLock, Timeout
from joblib import delayed
from rich.console import Console
from rich.progress import Progress

from ..cluster import as_they_end, in_child
from ..data.cache import home
from ..data.prepare import find_cohort, from_anywhere, prepare
from ..errors import Failed, InputError
from ..experiment import Experiment
from . import members
from .begin import cohort_text
from .interrupt import Interrupted, StopFile, stoppable
from .watched import watched

STOP = 'stop'  # a file in the folder of all: who trains a member ends it, with what is learnt kept
DIED = 'its process ended without a word (is the memory enough?)'


class Crew(NamedTuple):
    "Who trains, and what they all have in common."
    data:str
    cache:str     # the folder itself: another machine's user may have another one
    command:str   # as typed
    minutes:float  # as for `fit_into`
    cluster:str   # as for `as_they_end`
    jobs:int
    threads:int   # of each; None: as its worker was started
    base:str      # the folder that a recipe's relative paths start from


class Member(NamedTuple):
    "What a worker is told of one member."
    place:Path             # its folder, which is not there yet
    experiment:Experiment
    name:str
    how:Experiment         # that the cohort was prepared by
    sum:str                # of that cohort
    fold:int = None        # of a cross-validation


def crew(data, cache, command, minutes=10, cluster=None, jobs=None) -> Crew | None:
    "None where neither a cluster nor jobs are given: then this process trains. The threads of this process are shared among jobs."
    if not cluster and not jobs: return None
    threads = None if cluster else max(1, torch.get_num_threads()//jobs)
    return Crew(from_anywhere(data), str(home(cache).absolute()), command, minutes, cluster, jobs, threads, os.getcwd())


def sum_of(cohort): return sha256(cohort_text(cohort).encode()).hexdigest()


def train_apart(
    folder,    # of all, whose lock this process holds
    each,      # a `Member` each, of those that are to be trained
    crew,      # a `Crew`
    progress,  # a started rich Progress
    ended,     # called with (the name of its folder, None or the error that it failed with) as they end; what it raises ends all
):
    "Train all of them; raises `Interrupted` where that was asked for, when what runs has kept what it learnt."
    (folder/STOP).unlink(missing_ok=True)
    if not each: return
    with stoppable(StopFile(folder/STOP)) as stop, watched(each, progress) as over:
        calls = (call(crew, member) for member in each if not stop.signal)
        try:
            for place, error in as_they_end(calls, crew.cluster, crew.jobs, lost):
                if isinstance(error, KeyboardInterrupt): continue
                over(place, error)
                lock_of(place).unlink(missing_ok=True)
                ended(place.name, error)
        except BaseException:
            stop.signal = stop.signal or SIGTERM  # workers of a cluster do not end with this process
            raise
    if stop.signal: raise Interrupted(number=stop.signal)


def call(crew, member):
    "What a process of this machine, which has nothing else to do, or a worker of a cluster is to call."
    here = delayed(train_one)(crew, member)
    return delayed(in_child)(pickle.dumps(here), (member.place, Failed(DIED))) if crew.cluster else here


def lost(call): return call[1][1].place, Failed(DIED)  # of `call` above, of this machine


def train_one(crew, member):
    "In a process that trains: (the member's folder, None or the error that ended it)."
    try: train(crew, member)
    except (Exception, KeyboardInterrupt) as e: return member.place, portable(e)
    finally: members.give_back_all()
    return member.place, None


def train(crew, member):
    stop = StopFile(member.place.parent/STOP)
    if crew.threads: torch.set_num_threads(crew.threads)
    with alone_at(member.place, stop), chdir(crew.base) if member.experiment.weights else nullcontext():
        if member.place.exists(): return  # another worker was not as dead as it seemed
        silent = Progress(console=Console(quiet=True))
        cohort = cohort_of(crew, member)
        members.train_member(member.place, member.experiment, cohort, crew.command, silent, member.name, stop, crew.minutes)


def cohort_of(crew, member):
    "From the cache, which the process that hands out the members has filled; `InputError` where a worker sees other images than that."
    cohort = prepare(find_cohort(crew.data, crew.cache), member.how, crew.cache)
    if sum_of(cohort) != member.sum: raise InputError(f'a worker sees other images in {crew.data} than are here; let it share the files')
    return cohort if member.fold is None else prepare(cohort, member.how, fold=member.fold)


def lock_of(place): return place.with_name(f'{place.name}.lock')


@contextmanager
def alone_at(place, stop):
    "Waits until no other process trains the member, as one that a cluster gave up may still do. `Interrupted` where it is to stop."
    lock = FileLock(lock_of(place))
    while not lock.is_locked:
        if stop.signal: raise Interrupted(number=stop.signal)
        try: lock.acquire(timeout=1)
        except Timeout: pass
    try: yield
    finally: lock.release()


def portable(error):
    "The error as another process will have it, with the way there as a note; one that cannot be sent is a `Failed` that says as much."
    try: sent = pickle.loads(pickle.dumps(error))
    except Exception: sent = Failed(f'{type(error).__name__}: {error}')
    sent.add_note(f'In the worker:\n{"".join(traceback.format_exception(error))}')
    return sent
