"Several networks as one (deep ensembles, Lakshminarayanan et al. 2017, arXiv:1612.01474)."
import torch
from torch import nn


class Ensemble(nn.Module):
    """The softmax of the output is the mean of the members' probabilities. Inputs are normalised as for the first member; each other
    one gets them as its own training split's mean and standard deviation would have made them."""
    def __init__(self, members, stats):
        super().__init__()
        self.members = nn.ModuleList(members)
        (mean, std), own = stats[0], torch.tensor(stats, dtype=torch.float32)
        self.register_buffer('scale', std / own[:, 1])
        self.register_buffer('shift', (mean - own[:, 0]) / own[:, 1])

    def probabilities(self, x):
        "(members, n, classes)."
        return torch.stack([m(x * a + b).softmax(-1) for m, a, b in zip(self.members, self.scale, self.shift, strict=True)])

    def forward(self, x): return self.probabilities(x).mean(0).clamp_min(1e-12).log()
