"What a training step has to compute."
import torch
from torch.utils.flop_counter import FlopCounterMode

from ..models.zoo import build, described


def gflop(experiment) -> float:
    "Of a training step an image: of the network's convolutions and matrix products forward, and twice that backward."
    net, size = build(**described(experiment)).eval(), experiment.size
    with FlopCounterMode(display=False) as counted, torch.no_grad(): net(torch.zeros(1, 1, size, size))
    return 3 * counted.get_total_flops() / 1e9
