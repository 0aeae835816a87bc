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

    def members_see(self, x):  # not `inputs`: a Learner passes on its model's names, and fastai's callbacks have that one
        return [x * a + b for a, b in zip(self.scale, self.shift, strict=True)]

    def each(self, x):
        "Logits (members, n, classes)."
        return torch.stack([m(o) for m, o in zip(self.members, self.members_see(x), strict=True)])

    def probabilities(self, x):
        "(members, n, classes)."
        return self.each(x).softmax(-1)

    def features(self, x):
        "The last maps of each member, a list."
        return [m.features(o) for m, o in zip(self.members, self.members_see(x), strict=True)]

    def heads(self, maps):
        "Logits (members, n, classes), of the last maps of each."
        return torch.stack([m.head(o) for m, o in zip(self.members, maps, strict=True)])

    def head(self, maps): return log_mean(self.heads(maps).softmax(-1))
    def forward(self, x): return log_mean(self.probabilities(x))


def log_mean(probabilities): return probabilities.mean(0).clamp_min(1e-12).log()
