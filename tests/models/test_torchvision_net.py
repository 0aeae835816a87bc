import torch
from torch import nn
from torch.nn import functional as F

from pneumo_fastai.models.torchvision_net import TorchvisionNet, one_channel


def test_one_channel_is_the_first_of_three():
    conv = nn.Conv2d(3, 5, 3, stride=2, padding=1)
    made, x = one_channel(conv), torch.randn(2, 1, 9, 8)
    torch.testing.assert_close(made(x), conv(F.pad(x, (0, 0, 0, 0, 0, 2))))
    assert one_channel(nn.Conv2d(3, 5, 3, bias=False)).bias is None


def test_its_parameters_keep_their_names_and_its_halves_make_the_whole():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.features, self.classifier = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3)), nn.ReLU()), nn.Linear(4, 2)
    net = Net()
    names = list(net.state_dict())
    ours = TorchvisionNet(net, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), 'features.0.0', 'classifier')
    x = torch.randn(3, 1, 8, 8)
    assert list(ours.state_dict()) == names and ours.features[0][0].in_channels == 1
    torch.testing.assert_close(ours(x), ours.classifier(ours.features(x).mean((2, 3))))
