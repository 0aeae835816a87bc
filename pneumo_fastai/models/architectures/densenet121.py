"DenseNet121 (Huang et al. 2017, arXiv:1608.06993), torchvision's."
from torch import nn
from torchvision.models import densenet121

from ..torchvision_net import TorchvisionNet


def network():
    "Its last maps are those before the final ReLU, as its `features` are."
    pool = nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())  # not in place: the maps are kept
    return TorchvisionNet(densenet121(num_classes=2), pool, 'features.conv0', 'classifier')
