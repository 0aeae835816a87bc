"The metric suite on the whole validation set."
import torch
from fastai.metrics import AccumMetric
from fastai.torch_core import to_detach

from ...evaluation import metrics as measures


def pneumonia_probability(logits): return logits.float().softmax(-1)[:, 1]


class ValidMetric(AccumMetric):
    "A function (labels, probabilities) -> value of `evaluation.metrics`, on the whole validation set, at 0.5 where it takes a threshold."
    def __init__(self, measure):
        super().__init__(measure, flatten=False)
        self.measure = measure

    def accum_values(self, preds, targs, learn=None):
        "As fastai's, but they stay on their device: to fetch them at each step makes a GPU wait."
        detached = learn.to_detach if learn else to_detach
        self.preds.append(detached(preds, cpu=False))
        self.targs.append(detached(targs, cpu=False))

    @property
    def value(self):
        if not self.preds: return None
        value = self.measure(torch.cat(self.targs).cpu().numpy(), pneumonia_probability(torch.cat(self.preds)).cpu().numpy())
        return float('nan') if value is None else value

    @property
    def name(self): return self.measure.__name__


def metric_suite() -> list:
    return [ValidMetric(getattr(measures, o)) for o in ('accuracy', 'precision', 'recall', 'specificity', 'f1', 'auroc')]
