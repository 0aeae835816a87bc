"EfficientNetV2-S (Tan and Le 2021, arXiv:2104.00298), torchvision's, with its dropout of 0.2 before the last layer."
from torch import nn
from torchvision.models import efficientnet_v2_s

from ..torchvision_net import TorchvisionNet


def network(stochastic_depth=0.):
    net = efficientnet_v2_s(num_classes=2, stochastic_depth_prob=stochastic_depth)
    return TorchvisionNet(net, nn.Sequential(net.avgpool, nn.Flatten()), 'features.0.0', 'classifier.1')
