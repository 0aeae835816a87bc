import torch
from torch import nn

from pneumo_fastai.models.architectures.resnet18 import ResNet18
from pneumo_fastai.models.ensemble import Ensemble


def net(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 2))


def test_its_softmax_is_the_mean_of_members_that_each_see_their_own_normalisation():
    members, stats, x = [net(0), net(1), net(2)], [(0.4, 0.2), (0.5, 0.25), (0.45, 0.3)], torch.rand(5, 1, 4, 4)
    each = torch.stack([m((x - mean) / std).softmax(-1) for m, (mean, std) in zip(members, stats, strict=True)])
    ours = Ensemble(members, stats)((x - 0.4) / 0.2)
    torch.testing.assert_close(ours.softmax(-1), each.mean(0))
    torch.testing.assert_close(Ensemble(members, stats).probabilities((x - 0.4) / 0.2), each)


def test_features_and_head_are_its_forward_to_the_last_bit():
    torch.manual_seed(0)
    both, x = Ensemble([ResNet18(), ResNet18()], [(0.4, 0.2), (0.5, 0.25)]).eval(), torch.randn(3, 1, 64, 64)
    maps = both.features(x)
    assert [m.shape for m in maps] == [(3, 512, 2, 2)] * 2 and torch.equal(both.head(maps), both(x))


def test_one_member_is_that_member():
    x = torch.rand(5, 1, 4, 4)
    torch.testing.assert_close(Ensemble([net(0)], [(0.4, 0.2)])(x).softmax(-1), net(0)(x).softmax(-1))
