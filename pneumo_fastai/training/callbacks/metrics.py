"The metric suite on the whole validation set."
from functools import partial

import torch
from fastai.metrics import AccumMetric
from fastai.torch_core import to_detach

from ...evaluation.metrics import value


def pneumonia_probability(logits): return logits.float().softmax(-1)[:, 1]


class ValidMetric(AccumMetric):
    "One of `evaluation.metrics.EVERY` by name, on the whole validation set, at 0.5 where it needs a threshold."
    def __init__(self, metric):
        super().__init__(partial(value, metric), flatten=False)
        self.metric = metric

    def accum_values(self, preds, targs, learn=None):
        "As fastai's, but they stay on their device: to fetch them at each step makes a GPU wait."
        detached = learn.to_detach if learn else to_detach
        self.preds.append(detached(preds, cpu=False))
        self.targs.append(detached(targs, cpu=False))

    @property
    def value(self):
        if not self.preds: return None
        found = self.func(torch.cat(self.targs).cpu().numpy(), pneumonia_probability(torch.cat(self.preds)).cpu().numpy())
        return float('nan') if found is None else found

    @property
    def name(self): return self.metric


def metric_suite() -> list:
    return [ValidMetric(o) for o in ('accuracy', 'precision', 'recall', 'specificity', 'f1', 'auroc')]
