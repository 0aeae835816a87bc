"Losses that a fastai Learner can predict and interpret with."
import torch
import torch.nn.functional as F
from torch import nn


class CrossEntropy(nn.Module):
    "Cross-entropy of (n, classes) logits and (n,) labels; `weight` (classes,) weighs each class, as `torch.nn.CrossEntropyLoss` does."
    def __init__(self, weight=None, reduction='mean'):
        super().__init__()
        self.register_buffer('weight', None if weight is None else torch.as_tensor(weight, dtype=torch.float32))
        self.reduction = reduction

    def forward(self, logits, labels):
        weight = None if self.weight is None else self.weight.to(logits.device)  # fastai moves the model, not its loss
        return F.cross_entropy(logits.float(), labels.long(), weight, reduction=self.reduction)

    def mass(self, labels):
        "What the mean over these (n,) labels is divided by: their weights' sum."
        return len(labels) if self.weight is None else self.weight.to(labels.device)[labels.long()].sum()

    def activation(self, logits): return logits.float().softmax(-1)
    def decodes(self, logits): return logits.argmax(-1)
