"Losses that a fastai Learner can predict and interpret with, of (n, classes) logits and (n,) labels."
import torch
import torch.nn.functional as F
from torch import nn


class Loss(nn.Module):
    "The mean of what `each` gives, already weighted, over the weights' sum; reckoned in float32 whatever the logits are."
    fields = ()  # of the recipe, which `__init__` takes too

    def __init__(
        self, weight=None,  # (classes,) weighs each class
        reduction='mean',   # as torch's; or sum, none
    ):
        super().__init__()
        self.register_buffer('weight', None if weight is None else torch.as_tensor(weight, dtype=torch.float32))
        self.reduction = reduction

    def forward(self, logits, labels):
        each = self.each(logits.float(), labels.long())
        if self.reduction == 'none': return each
        return each.sum() / (self.mass(labels) if self.reduction == 'mean' else 1)

    def weigh(self, labels):
        "(n,) weights of these labels."
        labels = labels.long()
        return torch.ones_like(labels, dtype=torch.float32) if self.weight is None else self.weight.to(labels.device)[labels]

    def mass(self, labels):
        "What the mean over these (n,) labels is divided by: their weights' sum."
        return len(labels) if self.weight is None else self.weigh(labels).sum()

    def activation(self, logits): return logits.float().softmax(-1)
    def decodes(self, logits): return logits.argmax(-1)


class CrossEntropy(Loss):
    "`torch.nn.CrossEntropyLoss`."
    fields = 'label_smoothing',

    def __init__(self, weight=None, reduction='mean', label_smoothing=0.):
        super().__init__(weight, reduction)
        self.label_smoothing = label_smoothing

    def forward(self, logits, labels):
        weight = None if self.weight is None else self.weight.to(logits.device)  # fastai moves the model, not its loss
        return F.cross_entropy(logits.float(), labels.long(), weight, reduction=self.reduction, label_smoothing=self.label_smoothing)


class Focal(Loss):
    "-(1 - p)^gamma log p, p being the label's probability (Lin et al. 2017); gamma 0 is cross-entropy."
    fields = 'focal_gamma',

    def __init__(self, weight=None, reduction='mean', focal_gamma=2.):
        super().__init__(weight, reduction)
        self.focal_gamma = focal_gamma

    def each(self, logits, labels):
        log_p = logits.log_softmax(-1)
        others = log_p.scatter(1, labels[:, None], -torch.inf).logsumexp(1)  # log(1 - p), finite where 1 - p rounds to 0
        return -self.weigh(labels) * (self.focal_gamma * others).exp() * log_p.gather(1, labels[:, None])[:, 0]


LOSSES = dict(cross_entropy=CrossEntropy, focal=Focal)  # by the name that `loss` takes in the recipe


def loss_of(
    experiment,
    weight=None,  # as for `Loss`
) -> Loss:
    "The experiment's, with the fields of the recipe that it takes."
    made = LOSSES[experiment.loss]
    return made(weight, **{name: getattr(experiment, name) for name in made.fields})
