"The architectures by name: one input channel, two classes."
from functools import partial

from .resnet import ResNet18

ARCHITECTURES = {'resnet18': ResNet18, 'resnet18_os16': partial(ResNet18, output_stride=16)}


def build(arch):
    "A network with fresh weights, (n, 1, h, w) -> (n, 2) logits, by its name in `Experiment.arch`."
    return ARCHITECTURES[arch]()
