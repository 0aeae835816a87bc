import copy
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from pneumo_fastai.training.callbacks.precision import Precision
from pneumo_fastai.training.learner import get_learner
from pneumo_fastai.training.loaders import get_dls
from pneumo_fastai.training.precision import shortest


def test_bfloat16_trains_alike_and_whatever_is_measured_is_float32(make):
    "The epoch is chosen by the AUROC that is reported."
    dtypes = set()
    learn, e = make(precision='bfloat16', epochs=1)
    learn.model[3].register_forward_hook(lambda m, i, o: dtypes.add((learn.model.training, o.dtype)))
    learn.fit(1, e.lr)
    assert dtypes == {(True, torch.bfloat16), (False, torch.float32)}
    chosen_by = dict(zip(learn.recorder.metric_names[1:], learn.recorder.values[-1], strict=False))['auroc']
    plain, _ = make(epochs=1)
    plain.fit(1, e.lr)
    assert learn.recorder.losses[0].item() == pytest.approx(plain.recorder.losses[0].item(), rel=0.02)
    dtypes.clear()
    probability, label = learn.get_preds()
    assert chosen_by == sk.roc_auc_score(label, probability[:, 1])
    one = torch.cat([learn.get_preds(dl=learn.dls.test_dl([p]))[0] for p in learn.dls.valid.items.path[:4]])
    torch.testing.assert_close(one, learn.get_preds(dl=learn.dls.test_dl(list(learn.dls.valid.items.path[:4])))[0], atol=1e-5, rtol=0)
    assert dtypes == {(False, torch.float32)} and not torch.is_autocast_enabled('cpu')


MODULE = 'pneumo_fastai.training.callbacks.precision'


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
