import torch
from torchvision.ops import StochasticDepth

from pneumo_fastai.models.architectures.convnext_tiny import network


@torch.no_grad()
def test_its_head_is_the_mean_over_places_a_layer_norm_and_a_linear_layer():
    torch.manual_seed(0)
    net, maps = network(stochastic_depth=.1).eval(), torch.randn(3, 768, 2, 2)
    mean = maps.mean((2, 3))
    normed = (mean - mean.mean(1, keepdim=True)) / (mean.var(1, correction=0, keepdim=True) + 1e-6).sqrt()
    torch.testing.assert_close(net.head(maps), normed @ net.classifier[2].weight.T + net.classifier[2].bias)
    drops = [m.p for m in net.modules() if isinstance(m, StochasticDepth)]
    assert drops == sorted(drops) and drops[0] == 0 and drops[-1] == .1
