"""The architectures by name: one input channel, two classes. Each has `features(x)`, its last maps (n, channels, h, w), and `head(maps)`,
their logits; `forward` composes the two. Heatmaps and box guidance ask for no layer of it by name."""
from functools import partial

from .resnet import ResNet18

ARCHITECTURES = {'resnet18': ResNet18, 'resnet18_os16': partial(ResNet18, output_stride=16)}


def build(arch):
    "A network with fresh weights, (n, 1, h, w) -> (n, 2) logits, by its name in `Experiment.arch`."
    return ARCHITECTURES[arch]()
