"The weights of the best epoch."
import numpy as np
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
        if self.new_best: self.best_epoch, self.weights = self.epoch, {k: v.clone() for k, v in self.model.state_dict().items()}

    def after_fit(self):
        if self.run and self.weights: self.model.load_state_dict(self.weights)
        super().after_fit()

    def state(self): return dict(best=float(self.best), best_epoch=self.best_epoch, weights=self.weights)
    def resume(self, state): self.best, self.best_epoch, self.weights = state['best'], state['best_epoch'], state['weights']
