"ConvNeXt-Tiny (Liu et al. 2022, arXiv:2201.03545), torchvision's."
from torchvision.models import convnext_tiny

from ..torchvision_net import TorchvisionNet


def network(stochastic_depth=0.):
    net = convnext_tiny(num_classes=2, stochastic_depth_prob=stochastic_depth)
    return TorchvisionNet(net, net.avgpool, 'features.0.0', 'classifier.2')
