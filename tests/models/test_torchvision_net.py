import torch
from torch import nn

from pneumo_fastai.models.torchvision_net import one_channel


def test_one_channel_keeps_all_but_two_of_three():
    torch.manual_seed(0)
    for bias in (True, False):
        conv = nn.Conv2d(3, 4, 5, stride=2, padding=1, bias=bias)
        made, x = one_channel(conv), torch.randn(2, 1, 16, 16)
        colour = torch.cat([x, torch.zeros(2, 2, 16, 16)], 1)
        torch.testing.assert_close(made(x), conv(colour))
        assert made.in_channels == 1 and (made.bias is not None) == bias
