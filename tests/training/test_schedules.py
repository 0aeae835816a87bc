"The steps of a schedule, as a fit takes them."
from dataclasses import replace

import numpy as np
import pytest
import torch
from fastai.callback.core import Callback

from pneumo_fastai.training.learner import get_learner
from pneumo_fastai.training.loaders import get_dls
from pneumo_fastai.training.schedules import schedule


class Spy(Callback):
    "Rate and first beta of each step."
    order = 99
    def before_fit(self): self.seen = []
    def before_step(self): self.seen.append((self.opt.opt.param_groups[0]['lr'], self.opt.opt.param_groups[0]['betas'][0]))


@pytest.fixture
def steps(tiny, cohort, tmp_path):
    def steps(fit=lambda learn, e, spy: learn.fit(e.epochs, cbs=[schedule(e), spy]), **changes):
        e, spy = replace(tiny, epochs=4, **changes), Spy()
        learn = get_learner(e, get_dls(e, cohort), path=tmp_path)
        with learn.no_bar(), learn.no_logging(): fit(learn, e, spy)
        return np.array(spy.seen), e, len(learn.dls.train)
    return steps


def test_one_cycle_is_fastais_fit_one_cycle(steps):
    got, *_ = steps(schedule='one_cycle')
    theirs, *_ = steps(lambda learn, e, spy: learn.fit_one_cycle(e.epochs, e.lr, cbs=spy))
    np.testing.assert_array_equal(got, theirs)
    assert got[0, 0] == pytest.approx(1e-3 / 25) and got[:, 0].max() == pytest.approx(1e-3) and got[:, 1].min() == pytest.approx(.85)


def test_cosines_rate_grows_in_a_line_for_the_epochs_of_warmup_and_falls_by_a_cosine_after(steps):
    got, e, n = steps(warmup=1.)
    at = np.arange(4 * n) / n
    up, down = 1/25 + at * 24/25, (1 + np.cos(np.pi * (at - 1) / 3)) / 2
    np.testing.assert_allclose(got[:, 0], e.lr * np.where(at < 1, up, down), rtol=1e-5)
    assert (got[:, 1] == .9).all()


def test_each_group_of_parameters_has_its_own_highest_rate(tiny):
    for name in ('cosine', 'one_cycle'):
        e = replace(tiny, schedule=name, warmup=0. if name == 'one_cycle' else 1.)
        each = [schedule(e, rate).scheds['lr'] for rate in (1e-4, 1e-3)]
        both = schedule(e, np.array([1e-4, 1e-3])).scheds['lr']
        for at in (0., .2, .5, .9): np.testing.assert_allclose(both(at), [f(at) for f in each])


@pytest.mark.parametrize('name', ['adam', 'adamw'])
def test_weight_decay_is_in_the_gradient_or_apart_from_it(tiny, cohort, tmp_path, name):
    "Five steps, as torch's own optimiser takes them."
    e = replace(tiny, optimizer=name, weight_decay=.1)
    learn = get_learner(e, get_dls(e, cohort), path=tmp_path)
    learn.create_opt()
    learn.opt.set_hypers(lr=e.lr, wd=e.weight_decay)
    ours = list(learn.model.parameters())
    theirs = [p.detach().clone().requires_grad_() for p in ours]
    made = dict(adam=torch.optim.Adam, adamw=torch.optim.AdamW)[name](theirs, lr=e.lr, weight_decay=.1)
    for step in range(5):
        for a, b in zip(ours, theirs, strict=True):
            a.grad = torch.randn(a.shape, generator=torch.Generator().manual_seed(step))
            b.grad = a.grad.clone()
        learn.opt.step()
        made.step()
    for a, b in zip(ours, theirs, strict=True): torch.testing.assert_close(a, b)
