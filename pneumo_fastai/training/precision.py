"Which of float32 and bfloat16 a device trains faster in."
import copy
import time

import torch

HOPELESS = 4  # bfloat16 took 6 to 17 times as long on an AMD EPYC without it, and a trial of whole batches minutes
IMAGES = 8    # of a trial's batch on a CPU, which they fill
MARGIN = 1.1  # bfloat16 is chosen where it is at least this much faster: chance alone must not change a run


def native_bfloat16(device) -> bool:
    "Does this device compute bfloat16 faster than float32? A CPU with AVX512-BF16 or AMX, a GPU from Ampere on."
    if device.type == 'cuda': return torch.cuda.get_device_capability(device) >= (8, 0)
    return device.type == 'cpu' and any(torch.cpu.get_capabilities().get(o) for o in ('avx512_bf16', 'amx_bf16'))


def shortest(
    steps,                     # name: what takes one step, and waits for the device
    seconds=2.,                # for all of them together, but each is timed twice however long that takes
    clock=time.perf_counter,
) -> dict:
    """Seconds of the shortest step of each, taken in turns after a step to warm up: what else the machine does only makes steps longer. Of
    one that begins `HOPELESS` times as slowly as the first, which warms up for all, the seconds of that step."""
    def timed(name):
        before = clock()
        steps[name]()
        return clock() - before
    first = {name: timed(name) for name in steps}
    taken, start = {name: [] for name, s in first.items() if s < HOPELESS*next(iter(first.values()))}, clock()
    while clock() - start < seconds or min(map(len, taken.values())) < 2:
        for name, each in taken.items(): each.append(timed(name))
    return first | {name: min(each) for name, each in taken.items()}


def faster(taken) -> str: return 'bfloat16' if taken['float32'] >= MARGIN * taken['bfloat16'] else 'float32'


def wait():
    "Until a GPU has done what it was given."
    if torch.cuda.is_initialized(): torch.cuda.synchronize()


def step(model, loss, x, y, low):
    "Forward and backward of one batch in bfloat16 (`low`) or float32; the optimiser's part is the same in both."
    def go():
        with torch.autocast(x.device.type, torch.bfloat16, enabled=low): out = model(x)
        loss(out.float(), y).backward()
        model.zero_grad()
        wait()
    return go


def trial(learn) -> tuple:
    "What `step` takes first: a copy of the learner's network, its loss, and some images of its own. Draws from the random state."
    x, y = (t.as_subclass(torch.Tensor) for t in learn.dls.train.one_batch())
    if x.device.type == 'cpu': x, y = x[:IMAGES], y[:IMAGES]
    x = x.contiguous(memory_format=torch.channels_last)
    return copy.deepcopy(learn.model).to(x.device, memory_format=torch.channels_last).train(), learn.loss_func, x, y


def tried(learn) -> dict:
    "`shortest` step of a `trial`, in each precision."
    on = trial(learn)
    return shortest({name: step(*on, name == 'bfloat16') for name in ('float32', 'bfloat16')})


def said(chosen, taken) -> str:
    "The line for the console: what 'auto' picked, and why."
    if not taken: return f'precision: {chosen}, which this device computes natively'
    low, full = taken['bfloat16'], taken['float32']
    return f"precision: {chosen}; a trial's step took {full:.3g} s in float32, {low:.3g} s in bfloat16: {full / low:.2f} times as fast"
