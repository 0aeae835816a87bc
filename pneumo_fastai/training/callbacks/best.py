"The weights of the best epoch."
import numpy as np
import torch
from fastai.callback.tracker import TrackerCallback


class BestModel(TrackerCallback):
    "Keeps the weights of the epoch with the highest validation AUROC, and ends with them in the network."
    order = TrackerCallback.order + 1
    def __init__(self): super().__init__(monitor='auroc', comp=np.greater)

    def before_fit(self):
        super().before_fit()
        self.best_epoch, self.weights = None, {}

    def after_epoch(self):
        super().after_epoch()
        if not self.new_best: return
        self.best_epoch, now = self.epoch, self.model.state_dict()
        if not self.weights: self.weights = {k: torch.empty_like(v) for k, v in now.items()}  # once: memory has no holes to grow by
        for k, v in now.items(): self.weights[k].copy_(v)

    def after_fit(self):
        if self.run and self.weights: self.model.load_state_dict(self.weights)
        super().after_fit()

    def state(self): return dict(best=float(self.best), best_epoch=self.best_epoch, weights=self.weights)
    def resume(self, state): self.best, self.best_epoch, self.weights = state['best'], state['best_epoch'], state['weights']
