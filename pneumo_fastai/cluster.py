"""Calls by the thousand, each to be run once: by processes of this machine, or by a cluster that is there, Dask's or Ray's. They come from
an iterator, and are taken from it as workers become free: they need not all exist at once."""
import logging
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import FIRST_COMPLETED, CancelledError, wait
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import islice

from .data.workers import end_with
from .errors import Failed, InputError
from .memory import keep_freed
from .screen import note

ENGINES = dict(dask='distributed', ray='ray')  # the scheme of an address, and what has to be installed for it
DEATHS = 4     # processes that one call may cost
PATIENCE = 30  # seconds to reach a scheduler
ALONE = dict.fromkeys(('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS'), '1')
LACKS = 'the workers of {} lack {}: install there what is installed here, in the same versions'
ENDED = 'workers ended without a word over one piece of work, again and again (is their memory enough?)'


def all_end(call): raise Failed(ENDED)


def as_they_end(
    calls,         # an iterable of `joblib.delayed(function)(...)`, of functions that a worker can import
    cluster=None,  # 'dask://HOST:PORT' or 'ray://HOST:PORT'; None: processes of this machine
    jobs=None,     # how many of these; as many as there are cores unless given
    lost=all_end,  # what a call comes to that was the end of `DEATHS` of these
):
    """Yields what each call returns, as they end, and raises what one raises. A call whose worker dies is run again, the others go on.
    `InputError` where there is no such cluster, `Failed` where it is lost or a call was the end of `DEATHS` workers."""
    check(cluster, jobs)
    if not cluster: return here(iter(calls), jobs or cores(), lost)
    return dict(dask=on_dask, ray=on_ray)[cluster.partition('://')[0]](iter(calls), cluster)


def called(call):
    function, args, kwargs = call
    return function(*args, **kwargs)


def in_child(
    call,  # a pickled one
    died,  # what to return where it ends without a word
):
    """What a call returns, in a process of its own: a cluster's worker draws random numbers beside it, and has to answer its scheduler.
    Neither worker nor scheduler have to import what the call needs."""
    code = 'from pneumo_fastai.cluster import child; child()'
    done = subprocess.run([sys.executable, '-c', code], input=pickle.dumps((os.getpid(), call)), stdout=subprocess.PIPE, check=False)
    return died if done.returncode else pickle.loads(done.stdout)


def child():
    "The other end: what is printed goes where errors go."
    with os.fdopen(os.dup(1), 'wb') as out:
        os.dup2(2, 1)
        parent, call = pickle.load(sys.stdin.buffer)
        begin(parent)
        out.write(pickle.dumps(called(pickle.loads(call))))


def cores():
    from joblib import cpu_count  # those that this process may use
    return cpu_count()


def check(cluster, jobs):
    "`InputError` unless `as_they_end` takes both: an address is of an engine that is installed; whether somebody answers is seen later."
    if jobs is not None and jobs < 1: raise InputError(f'jobs is {jobs}; give a whole number from 1')
    if not cluster: return
    if jobs: raise InputError('--jobs is for processes of this machine; a cluster has the workers that were started for it')
    name, _, place = cluster.partition('://')
    if name not in ENGINES or not place: raise InputError(f'cluster is {cluster!r}; give dask://HOST:PORT or ray://HOST:PORT')
    if not find_spec(ENGINES[name]): raise InputError(f"{cluster} needs {ENGINES[name]}: pip install 'pneumo_fastai[{name}]'")


def here(calls, jobs, lost):
    "On this machine: each process is a pool of its own, so that one that dies takes no other with it."
    running, pools = {}, set()
    def start(pool, call, deaths=0):
        pools.add(pool)
        running[pool.submit(called, call)] = pool, call, deaths
    try:
        for call in islice(calls, jobs): start(process(), call)
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                pool, call, deaths = running.pop(future)
                if died := is_broken(future):
                    pools.remove(pool)
                    pool = process()
                if died and deaths + 1 < DEATHS:
                    start(pool, call, deaths + 1)
                    continue
                for following in islice(calls, 1): start(pool, following)
                yield lost(call) if died else future.result()
    except BaseException:  # of a call, of who listens no longer, or typed
        while not all(f.running() or f.done() for f in running): time.sleep(.01)  # loky stumbles over work that it has not looked at
        for pool in pools: pool.shutdown(kill_workers=True)
        raise
    for pool in pools: pool.shutdown()


def process():
    "A pool of one process with one thread, which ends with this one."
    from joblib.externals.loky import ProcessPoolExecutor
    return ProcessPoolExecutor(1, initializer=begin, initargs=(os.getpid(),), env=ALONE)


def begin(parent):
    "In a worker of this machine."
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who typed it means the parent, which ends its workers
    keep_freed()
    end_with(parent)


def is_broken(future):
    from joblib.externals.loky import BrokenProcessPool
    return isinstance(future.exception(), BrokenProcessPool)


def room(workers, running):
    "How many more calls to hand over: each worker has one that waits, so that it never does. Workers come and go."
    return max(0, max(1, 2*int(workers)) - running)


def on_dask(calls, address):
    "By dask.distributed, a call in each thread of its workers."
    from distributed import Client
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker
    try: client = Client(f'tcp://{address.partition("://")[2]}', timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as e: raise InputError(f'no Dask scheduler answers at {address}; start one, or give its address') from e
    with quiet('distributed'), client:
        if not client.nthreads(): note(f'{address} has no worker yet; waiting for the first')
        try: yield from by_client(client, calls)
        except ImportError as e: raise Failed(LACKS.format(address, e.name)) from e
        except KilledWorker: raise Failed(ENDED) from None
        except (CancelledError, CommClosedError): raise Failed(f'the Dask scheduler at {address} was lost') from None


def by_client(client, calls):
    from distributed import as_completed
    running, n = as_completed(loop=client.loop), 0
    while True:
        for call in islice(calls, room(sum(client.nthreads().values()), n)):
            running.add(client.submit(called, call, pure=False))
            n += 1
        if not n: return
        found = next(running).result()
        n -= 1
        yield found


@contextmanager
def quiet(name):
    "Without a logger's lines: what ends the work is said in one of ours."
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try: yield
    finally: logger.setLevel(before)


def on_ray(calls, address):
    "By Ray, a call for each core that it has."
    import ray
    try:
        with quiet('ray'): ray.init(address, log_to_driver=False)
    except (ConnectionError, ValueError, ImportError) as e: raise InputError(f'no Ray cluster answers at {address} ({e})') from e
    run = ray.remote(called).options(num_cpus=1, max_retries=DEATHS - 1)
    try:
        running = []
        while True:
            running += [run.remote(c) for c in islice(calls, room(ray.cluster_resources().get('CPU', 0), len(running)))]
            if not running: return
            (ended,), running = ray.wait(running)
            try: found = ray.get(ended)
            except ray.exceptions.WorkerCrashedError: raise Failed(ENDED) from None
            except ray.exceptions.RayTaskError as e:
                if isinstance(e.cause, ImportError): raise Failed(LACKS.format(address, e.cause.name)) from e
                raise e.cause from None
            yield found
    finally: ray.shutdown()
