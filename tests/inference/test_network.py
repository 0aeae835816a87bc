import copy
from multiprocessing.pool import ThreadPool

import numpy as np
import pytest
import torch
from torch import nn

from pneumo_fastai.errors import InputError
from pneumo_fastai.inference.network import in_threads, parts, ready, seen
from pneumo_fastai.models.architectures.resnet18 import ResNet18
from pneumo_fastai.models.ensemble import Ensemble


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield 3
    torch.set_num_threads(before)


def trained(seed):
    "A network whose batch norms have seen data, so that folding them in has something to do."
    torch.manual_seed(seed)
    net = ResNet18()
    with torch.no_grad():
        for _ in range(3): net(torch.randn(8, 1, 64, 64) * 2 + 1)
    return net.eval()


@torch.inference_mode()
def test_made_ready_a_network_says_the_same_and_is_left_as_it_was():
    net, x = trained(0), torch.randn(5, 1, 64, 64)
    before = copy.deepcopy(net.state_dict())
    fast = ready(net)
    torch.testing.assert_close(fast(x), net(x), rtol=1e-4, atol=1e-4)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in fast.modules())
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


@torch.inference_mode()
def test_bfloat16_is_rougher_and_near():
    net, x = trained(0), torch.randn(5, 1, 64, 64)
    rough = ready(net, 'bfloat16')(x)
    off = (rough.softmax(-1) - net(x).softmax(-1)).abs().max()
    assert rough.dtype == torch.float32 and 1e-6 < off < .05
    with pytest.raises(InputError, match='float32 or bfloat16'): ready(net, 'float16')


@torch.inference_mode()
def test_the_features_are_what_goes_into_the_last_layer_of_each_network_and_each_thread():
    nets, x = [trained(i).requires_grad_(False) for i in (0, 1)], torch.randn(6, 1, 64, 64)
    both = ready(Ensemble(nets, [(.5, .2), (.4, .3)]).eval())
    with ThreadPool(3) as pool: parts = pool.map(lambda part: seen(both, part), x.split(2))
    for i, (net, o) in enumerate(zip(nets, both.members_see(x), strict=True)):
        want = torch.nn.functional.normalize(net.avgpool(net.features(o)).flatten(1))
        torch.testing.assert_close(torch.cat([features[i] for _, features in parts]), want, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(torch.cat([p for p, _ in parts], 1), both.probabilities(x), rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_each_member_of_an_ensemble_is_made_ready():
    both, x = Ensemble([trained(0), trained(1)], [(.5, .2), (.4, .3)]).eval(), torch.randn(5, 1, 64, 64)
    torch.testing.assert_close(ready(both).probabilities(x), both.probabilities(x), rtol=1e-4, atol=1e-5)


def test_parts_give_every_thread_something_and_lose_nothing(threads):
    assert [len(p) for p in parts(list(range(7)), 16)] == [3, 3, 1]
    assert [len(p) for p in parts(list(range(100)), 16)] == [16] * 6 + [4]
    assert parts([], 16) == [[]] and [o for p in parts(list(range(50)), 16) for o in p] == list(range(50))


def test_threads_keep_the_order_have_one_of_torch_each_but_for_a_single_part_and_leave_the_number_alone(threads):
    assert list(in_threads(lambda p: (p, torch.get_num_threads()), range(20))) == [(k, 1) for k in range(20)]
    assert torch.get_num_threads() == threads
    assert list(in_threads(lambda p: torch.get_num_threads(), ['one'])) == [threads]
    with ThreadPool(1) as pool: assert pool.apply(torch.get_num_threads) == threads  # a thread born later


def test_an_error_in_a_thread_reaches_the_caller(threads):
    def fails(k): return np.zeros(3)[k]
    with pytest.raises(IndexError): list(in_threads(fails, range(20)))
    assert torch.get_num_threads() == threads
