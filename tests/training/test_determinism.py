import random

import torch
from torch import nn

from pneumo_fastai.training.determinism import not_deterministic


class Unsure(nn.Module):
    "Its backward is one that torch warns of, on any device."
    def __init__(self, net):
        super().__init__()
        self.net, self.bins = net, nn.Parameter(torch.zeros(4))

    def forward(self, x):
        torch.nn.functional.max_unpool2d(*torch.nn.functional.max_pool2d(x, 2, return_indices=True), 2)
        return self.net(x)


def test_what_torch_does_not_repeat_is_named_and_nothing_is_changed_by_asking(make):
    learn, _ = make(flip=.5)
    before, weights = random.getstate(), {k: v.clone() for k, v in learn.model.state_dict().items()}
    assert not_deterministic(learn) == []
    learn.model = Unsure(learn.model)
    assert not_deterministic(learn) == ['max_unpooling2d_forward_out']
    assert random.getstate() == before and not torch.are_deterministic_algorithms_enabled()
    assert all(torch.equal(v, weights[k]) for k, v in learn.model.net.state_dict().items())
    torch.nn.functional.max_unpool2d(torch.ones(1, 1, 1), torch.zeros(1, 1, 1, dtype=torch.int64), 1)  # and says nothing


def test_any_number_of_loader_workers_gives_the_same_bytes(make):
    found = []
    for workers in (0, 1, 2):
        learn, e = make(flip=.5, rotate=10., epochs=2)
        for dl in learn.dls.loaders: dl.fake_l.num_workers = workers
        learn.fit(2, e.lr)
        found.append([*learn.model.state_dict().values()])
    for other in found[1:]: assert all(map(torch.equal, found[0], other))
