import torch
from torch import nn
from torchvision.ops import StochasticDepth

from pneumo_fastai.models.architectures.efficientnet_v2_s import network


def test_its_head_drops_a_fifth_in_training_and_its_blocks_none_unless_asked():
    plain, deep = network(), network(stochastic_depth=.2)
    assert [m.p for m in plain.modules() if isinstance(m, nn.Dropout)] == [.2]
    def drops(net): return [m.p for m in net.modules() if isinstance(m, StochasticDepth)]
    assert set(drops(plain)) == {0.} and drops(deep) == sorted(drops(deep)) and .19 < max(drops(deep)) < .2
    maps = torch.ones(2, 1280, 2, 2)
    torch.manual_seed(0)
    assert not torch.equal(*plain.train().head(maps)) and torch.equal(*plain.eval().head(maps))
