"The architectures by name: one input channel, two classes."
from .resnet import ResNet18

ARCHITECTURES = {'resnet18': ResNet18}


def build(arch):
    "A network with fresh weights, (n, 1, h, w) -> (n, 2) logits, by its name in `Experiment.arch`."
    return ARCHITECTURES[arch]()
