import torch

from pneumo_fastai.models.architectures.densenet121 import network


@torch.no_grad()
def test_its_maps_are_those_before_the_last_relu_which_leaves_them_alone():
    torch.manual_seed(0)
    net = network().eval()
    maps = net.features(torch.randn(2, 1, 64, 64))
    before = maps.clone()
    want = torch.nn.functional.linear(maps.relu().mean((2, 3)), net.classifier.weight, net.classifier.bias)
    torch.testing.assert_close(net.head(maps), want)
    assert maps.shape == (2, 1024, 2, 2) and maps.min() < 0 and torch.equal(maps, before)
