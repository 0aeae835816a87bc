"The weights of the best epoch."
import numpy as np
from fastai.callback.tracker import TrackerCallback

from ...inference.stored import by_torch


class BestModel(TrackerCallback):
    "Keeps the weights of the epoch with the highest validation AUROC in `best.pth`, and ends with them loaded."
    order = TrackerCallback.order + 1
    def __init__(self): super().__init__(monitor='auroc', comp=np.greater)

    def after_epoch(self):
        super().after_epoch()
        if self.new_best:
            self.best_epoch = self.epoch
            with by_torch(self.learn.path/self.learn.model_dir/'best.pth') as beside: self.learn.save(beside.stem, with_opt=False)

    def after_fit(self):
        if self.run and hasattr(self, 'best_epoch'): self.learn.load('best', with_opt=False)
        super().after_fit()
