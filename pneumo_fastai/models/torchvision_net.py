"A network of torchvision's for one channel, in two halves; its parameters keep their names."
from torch import nn


class TorchvisionNet(nn.Module):
    "(n, 1, h, w) -> (n, classes) logits."
    def __init__(
        self, net,  # of torchvision, with `features` and `classifier`
        pool,       # what is between the two
        stem,       # the name of the first convolution
        last,       # and of the last layer
    ):
        super().__init__()
        self.features, self.pool, self.classifier, self.last = net.features, pool, net.classifier, last
        self.set_submodule(stem, one_channel(self.get_submodule(stem)))

    def head(self, maps): return self.classifier(self.pool(maps))
    def forward(self, x): return self.head(self.features(x))


def one_channel(conv) -> nn.Conv2d:
    "The convolution with its weights for the first channel alone: fresh ones are drawn alike for each."
    made = nn.Conv2d(1, conv.out_channels, conv.kernel_size, conv.stride, conv.padding, bias=conv.bias is not None)
    made.load_state_dict(conv.state_dict() | dict(weight=conv.weight.detach()[:, :1]))
    return made
