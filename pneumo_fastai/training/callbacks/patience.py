"An early end."
import numpy as np
from fastai.callback.tracker import EarlyStoppingCallback


class Patience(EarlyStoppingCallback):
    "Ends the fit after so many epochs without a better validation AUROC."
    order = 90  # the last to see the epoch: those after it would not
    def __init__(self, patience): super().__init__('auroc', np.greater, patience=patience)
    def state(self): return dict(best=float(self.best), wait=self.wait)
    def resume(self, state): self.best, self.wait = state['best'], state['wait']
