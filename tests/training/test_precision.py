import copy
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pneumo_fastai.training.callbacks.precision import Precision
from pneumo_fastai.training.learner import get_learner
from pneumo_fastai.training.loaders import get_dls
from pneumo_fastai.training.precision import faster, native_bfloat16, said, shortest

MODULE = 'pneumo_fastai.training.callbacks.precision'


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
    shortest(dict(float32=clock.step('float32', 3.), bfloat16=clock.step('bfloat16', 40.)), 2., clock)
    assert clock.calls == dict(float32=3, bfloat16=3)


@pytest.mark.parametrize('full, low, picks', [(1., .5, 'bfloat16'), (1.1, 1., 'bfloat16'), (1.09, 1., 'float32'), (1., 7., 'float32')])
def test_bfloat16_needs_a_clear_lead(full, low, picks):
    taken = dict(float32=full, bfloat16=low)
    assert faster(taken) == picks and f'{picks};' in said(picks, taken) and f'{full / low:.2f} times' in said(picks, taken)


def test_auto_tries_only_where_the_device_does_not_say(tiny, cohort, monkeypatch):
    learn = get_learner(tiny, get_dls(tiny, cohort))
    def resolved(native, taken, precision='auto'):
        tries = []
        monkeypatch.setattr(f'{MODULE}.native_bfloat16', lambda device: native)
        monkeypatch.setattr(f'{MODULE}.tried', lambda learn: tries.append(1) or taken)
        learn.remove_cbs(Precision)
        learn.add_cb(cb := Precision(precision))
        return cb.resolved(), cb.resolved(), len(tries)
    assert resolved(True, None) == ('bfloat16', 'bfloat16', 0)
    assert resolved(False, dict(float32=2., bfloat16=1.)) == ('bfloat16', 'bfloat16', 1)
    assert resolved(False, dict(float32=1., bfloat16=1.)) == ('float32', 'float32', 1)
    assert resolved(False, None, 'bfloat16') == ('bfloat16', 'bfloat16', 0)


def test_the_trial_changes_nothing_that_is_learnt(tiny, cohort, monkeypatch):
    monkeypatch.setattr(f'{MODULE}.native_bfloat16', lambda device: False)
    monkeypatch.setattr(shortest, '__defaults__', (.05, *shortest.__defaults__[1:]))
    auto = replace(tiny, precision='auto')
    learn = get_learner(auto, get_dls(auto, cohort))
    weights = copy.deepcopy(learn.model.state_dict())
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    picked = learn.precision.resolved()
    assert set(learn.precision.trial) == {'float32', 'bfloat16'} and all(v > 0 for v in learn.precision.trial.values())
    assert all(torch.equal(v, weights[k]) for k, v in learn.model.state_dict().items())
    assert all(p.grad is None for p in learn.model.parameters())
    assert torch.equal(torch.get_rng_state(), states[0]) and (np.random.get_state()[1] == states[1]).all()
    assert random.getstate() == states[2]
    with learn.no_bar(), learn.no_logging(): learn.fit(1, tiny.lr)
    told = replace(tiny, precision=picked)
    plain = get_learner(told, get_dls(told, cohort))
    with plain.no_bar(), plain.no_logging(): plain.fit(1, tiny.lr)
    assert all(torch.equal(v, plain.model.state_dict()[k]) for k, v in learn.model.state_dict().items())


def test_native_is_what_the_processor_says():
    if not Path('/proc/cpuinfo').exists(): pytest.skip('no /proc/cpuinfo to compare with')
    flags = Path('/proc/cpuinfo').read_text()
    assert native_bfloat16(torch.device('cpu')) == ('avx512_bf16' in flags or 'amx_bf16' in flags)
