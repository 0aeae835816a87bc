"""The processes that train one network together, as torchrun starts them: which one this is, and what they tell each other. Where this one
is alone it hears itself, and torch is not imported."""
import os
import sys
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from .errors import Failed, InputError

WAIT = timedelta(days=7)  # while another decodes or measures; the end of a process ends its connections, which is heard at once
BROKEN = 'Connection', 'gloo', 'NCCL', 'Broken pipe', 'Socket'  # in torch's errors when another process is gone
LINKS, STORE, ENDED = {}, [], 'pneumo_fastai/ended'  # groups by kind of device, where the default one does not do; all have the store


def joined():
    "torch.distributed where this process has joined others, else None."
    dist = sys.modules.get('torch.distributed')
    return dist if dist and dist.is_available() and dist.is_initialized() else None


def rank() -> int: return dist.get_rank() if (dist := joined()) else 0
def world() -> int: return dist.get_world_size() if (dist := joined()) else 1
def asked() -> bool: return 'TORCHELASTIC_RUN_ID' in os.environ and int(os.environ['WORLD_SIZE']) > 1


@contextmanager
def together():
    "Within, those that torchrun started work as one; the first alone is seen, and the first that fails says why. All end together."
    if not asked():
        yield
        return
    try:
        start()
        with heard(): yield
    except (InputError, Failed, OSError, KeyboardInterrupt) as e:
        if says(e): raise
        raise SystemExit(1) from e
    except Exception as e:  # which nobody foresaw: it is shown by each that has it
        says(e)
        raise
    else: joined().barrier()
    joined().destroy_process_group()


def start():
    "Joins the others, by NCCL too where there are GPUs, and takes this process's share of the machine's cores."
    import torch
    import torch.distributed as dist
    store, me, n = next(dist.rendezvous('env://', timeout=timedelta(minutes=10)))
    for name in ('RANK', 'WORLD_SIZE'): del os.environ[name]  # by which fastai would gather too, also where one process works alone
    dist.init_process_group('gloo', store=store, rank=me, world_size=n, timeout=WAIT)
    STORE[:] = [store]
    here, of = (int(os.environ[k]) for k in ('LOCAL_RANK', 'LOCAL_WORLD_SIZE'))
    if torch.cuda.is_available():
        if of > (n_gpus := torch.cuda.device_count()): raise Failed(f'{of} processes for {n_gpus} GPUs; give --nproc-per-node as many')
        torch.cuda.set_device(here)
        LINKS['cuda'] = dist.new_group(backend='nccl')
    cores = len(os.sched_getaffinity(0))
    if os.environ.get('OMP_NUM_THREADS', '1') == '1': torch.set_num_threads(max(1, cores // of))  # torchrun sets 1 where nothing else is
    if me: sys.stdout = open(os.devnull, 'w')  # to the end: what each would print, one prints
    print(f'{n} processes, {of} on each machine, by {"NCCL" if LINKS else "gloo"}; threads of each: {torch.get_num_threads()} '
                  f'({cores} cores a machine)', flush=True)


@contextmanager
def heard():
    "What torch raises when another process is gone becomes a `Failed` with what that one said."
    try: yield
    except RuntimeError as e:
        if not joined() or not any(o in str(e) for o in BROKEN): raise
        raise Failed(why()) from e


def why() -> str:
    silent = 'another process ended without a word (killed, or out of memory)'
    try: return STORE[0].get(ENDED).decode() if STORE and STORE[0].check([ENDED]) else silent
    except RuntimeError: return silent  # the machine that kept it is gone


def says(error) -> bool:
    "Whether this process is the one to say how they all end: the first that has something to say, or, when asked to stop, the first."
    if isinstance(error, KeyboardInterrupt): return rank() == 0
    text = f'process {rank()} ended: {error}'
    try: return STORE[0].compare_set(ENDED, '', text).decode() == text
    except RuntimeError: return True


def from_first(make):
    "What `make` gives in the first process, which alone calls it, in all."
    if world() == 1: return make()
    box = [make() if rank() == 0 else None]
    joined().broadcast_object_list(box, src=0)
    return box[0]


def by_first(make):
    "The context that `make` gives, in the first process; none in the others."
    return nullcontext() if rank() else make()


def machine_by_machine(make):
    "What `make` gives: the first process of each machine calls it, then the others do, which find in the cache what it has put there."
    if world() == 1: return make()
    here = int(os.environ['LOCAL_RANK'])
    if here: joined().barrier()
    made = make()
    if not here: joined().barrier()
    return made


def each(value) -> list:
    "That of every process, by rank."
    if world() == 1: return [value]
    joined().all_gather_object(values := [None] * world(), value)
    return values


def largest(*numbers) -> list:
    "Of each whole number the largest that a process gives."
    if world() == 1: return list(numbers)
    import torch
    joined().all_reduce(found := torch.tensor(numbers), torch.distributed.ReduceOp.MAX)
    return found.tolist()


def shareable(experiment):
    "`InputError` where several processes could not train it as one does."
    if experiment.batch_size % (n := world()):
        raise InputError(f'batch_size {experiment.batch_size} is that of all processes and not shared evenly by {n}; '
                         f'give a multiple of {n}, or another number of processes')
    if n > 1 and experiment.compiled: raise InputError('compiled trains in one process; leave out --compiled, or torchrun')


def same_everywhere(cohort):
    "`InputError` unless all machines have read the same images, labels and splits."
    table = cohort.table[['label', 'patient', 'split']].assign(name=[Path(path).name for path in cohort.table.path])
    if len(set(each(sha256(table.to_csv().encode()).hexdigest()))) > 1:
        raise InputError(f'{cohort.name} has other images on one machine than on another; give all the same')


def link(device):
    "The group over which tensors of a device go; None: the default one."
    return LINKS.get(device.type)


def mean(tensor):
    "The mean over the processes of a tensor, without gradient."
    if world() == 1: return tensor
    total = tensor.detach().clone()
    joined().all_reduce(total, group=link(total.device))
    return total / world()
