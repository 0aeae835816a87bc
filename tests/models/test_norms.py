import pytest
import torch
from torch import nn

from pneumo_fastai.errors import InputError
from pneumo_fastai.models import norms


@pytest.fixture
def alone(monkeypatch):
    "One process, whose sum over all is its own."
    monkeypatch.setattr(norms, 'summed', lambda part: part.clone())
    monkeypatch.setattr(norms, 'world', lambda: 1)


def learnt(model, x):
    x = x.clone().requires_grad_()
    for _ in range(3): out = model(x)
    out.sin().sum().backward()
    return out, x.grad, *(p.grad for p in model.parameters()), *model.buffers(), model.eval()(x)


@pytest.mark.parametrize('make, shape', [(nn.BatchNorm2d, (5, 4, 3, 2)), (nn.BatchNorm1d, (7, 4))])
def test_over_one_process_it_is_the_norm_that_it_replaces_and_shares_its_tensors(alone, make, shape):
    x, one, other = torch.randn(shape) * 3 + 20, *(nn.Sequential(make(4, momentum=.2, eps=.01)) for _ in range(2))
    before, own = dict(other.named_parameters()), other[0]
    kept = norms.synchronise(other)
    assert type(other[0]) is norms.SyncedBatchNorm and all(p is before[name] for name, p in other.named_parameters())
    for a, b in zip(learnt(one, x), learnt(other, x), strict=True): torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    assert other.state_dict().keys() == one.state_dict().keys()
    norms.restore(other, kept)
    assert other[0] is own and not own.training
    torch.testing.assert_close(other(x), one(x))


def test_bfloat16_comes_out_as_it_came_in(alone):
    model = nn.Sequential(nn.BatchNorm2d(2))
    norms.synchronise(model)
    assert model(torch.randn(4, 2, 3, 3, dtype=torch.bfloat16)).dtype == torch.bfloat16


def test_a_norm_that_does_more_is_refused_before_anything_is_replaced(alone):
    class Activated(nn.BatchNorm2d):
        def forward(self, x): return super().forward(x).relu()
    model = nn.Sequential(nn.BatchNorm2d(2), Activated(2))
    with pytest.raises(InputError, match='has Activated of a kind that is not synchronised'): norms.synchronise(model)
    assert type(model[0]) is nn.BatchNorm2d


@pytest.mark.slow
def test_over_two_processes_it_is_that_of_the_whole_batch(one_and_two):
    one, two = (o['norm'] for o in one_and_two)
    for name in ('out', 'x'):
        torch.testing.assert_close(torch.stack([o[name] for o in two], 1).flatten(0, 1), one[name], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(two[0]['weights'] + two[1]['weights'], one['weights'], rtol=1e-5, atol=1e-5)
    for each in two:
        for name, value in one['state'].items(): torch.testing.assert_close(each['state'][name], value)
