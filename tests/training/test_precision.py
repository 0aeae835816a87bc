from pathlib import Path

import pytest
import torch

from pneumo_fastai.training.precision import faster, native_bfloat16, said, shortest


class Clock:
    "Time that passes only in steps, each as long as the next of `lengths`; the last one stays."
    def __init__(self): self.now, self.calls = 0., {}

    def __call__(self): return self.now

    def step(self, name, *lengths):
        def go():
            n = self.calls[name] = self.calls.get(name, 0) + 1
            self.now += lengths[min(n, len(lengths)) - 1]
        return go


def test_the_trial_forgets_the_first_step_and_every_interruption():
    clock = Clock()
    steps = dict(float32=clock.step('float32', 5., .3, .9, .3), bfloat16=clock.step('bfloat16', 9., .2, .7, .2))
    assert shortest(steps, 2., clock) == pytest.approx(dict(float32=.3, bfloat16=.2))
    assert clock.calls['float32'] == clock.calls['bfloat16'] and 2 <= clock.now - 14 < 4  # warming up is not of the two seconds


def test_a_step_longer_than_the_trial_is_still_timed_twice():
    clock = Clock()
    shortest(dict(float32=clock.step('float32', 12.), bfloat16=clock.step('bfloat16', 40.)), 2., clock)
    assert clock.calls == dict(float32=3, bfloat16=3)


def test_a_step_that_begins_many_times_slower_is_not_taken_again():
    clock = Clock()
    steps = dict(float32=clock.step('float32', 1., .5), bfloat16=clock.step('bfloat16', 15.))
    assert shortest(steps, 2., clock) == dict(float32=.5, bfloat16=15.) and clock.calls['bfloat16'] == 1


def test_the_first_which_warms_up_for_all_is_never_given_up():
    clock = Clock()
    steps = dict(float32=clock.step('float32', 1.5, .03), bfloat16=clock.step('bfloat16', .3, .12))
    assert faster(shortest(steps, 2., clock)) == 'float32'


@pytest.mark.parametrize('full, low, picks', [(1., .5, 'bfloat16'), (1.1, 1., 'bfloat16'), (1.09, 1., 'float32'), (1., 7., 'float32')])
def test_bfloat16_needs_a_clear_lead(full, low, picks):
    taken = dict(float32=full, bfloat16=low)
    assert faster(taken) == picks and f'{picks};' in said(picks, taken) and f'{full / low:.2f} times' in said(picks, taken)


def test_native_is_what_the_processor_says():
    if not Path('/proc/cpuinfo').exists(): pytest.skip('no /proc/cpuinfo to compare with')
    flags = Path('/proc/cpuinfo').read_text()
    assert native_bfloat16(torch.device('cpu')) == ('avx512_bf16' in flags or 'amx_bf16' in flags)
