import random

import numpy as np
import torch
from fastai.torch_core import set_seed

from pneumo_fastai.training.callbacks import random_state


def states(learn):
    "A copy of everything that a further step depends on."
    optimiser = [torch.as_tensor(v).clone() for of_one in learn.opt.state_dict()['state'].values() for v in of_one.values()]
    return [*(v.clone() for v in learn.model.state_dict().values()), *optimiser, torch.get_rng_state()]


def test_lr_find_leaves_everything_as_it_was(make):
    def after(find):
        learn, e = make(flip=0.5, rotate=10.)
        learn.fit(1, e.lr)
        if find:
            before, python, numpy = states(learn), random.getstate(), np.random.get_state()[1].tolist()
            suggestion = learn.lr_find(num_it=60, show_plot=False)
            assert 1e-7 < suggestion.valley < 10
            assert all(torch.equal(a, b) for a, b in zip(before, states(learn), strict=True))
            assert random.getstate() == python and np.random.get_state()[1].tolist() == numpy
        learn.fit(1, e.lr)
        return [v.item() for v in learn.recorder.losses], learn.model[-1].weight.detach().clone()
    (a, wa), (b, wb) = after(False), after(True)
    assert a == b and torch.equal(wa, wb)


def test_processes_draw_apart_from_what_they_had_in_common_and_each_the_same_again(monkeypatch):
    def drawn(process):
        monkeypatch.setattr(random_state, 'rank', lambda: process)
        set_seed(3)
        random_state.drawn_apart()
        return torch.rand(1).item(), np.random.rand(), random.random()
    set_seed(3)
    alone = torch.rand(1).item(), np.random.rand(), random.random()
    first, *others = map(drawn, (0, 1, 2, 1))
    assert first == alone and others[0] == others[2] and all(len({first[i], others[0][i], others[1][i]}) == 3 for i in range(3))
