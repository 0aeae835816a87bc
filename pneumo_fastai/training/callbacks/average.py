"The moving average of the weights."
from functools import partial
from itertools import chain

import torch
from fastai.callback.core import Callback
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def ramped(decay, n):
    "The decay of step `n`, from 0: after few steps (1 + n)/(10 + n), that random weights are soon forgotten."
    return min(decay, (1 + n) / (10 + n))


def averaged(decay, average, current, n):
    "torch's step; not by its `n`, for which a GPU would wait."
    get_ema_multi_avg_fn(decay)(average, current, n)


def tensors(model): return chain(model.parameters(), model.buffers())


class WeightAverage(Callback):
    """An exponential moving average of weights and buffers, a step at a time (Polyak and Juditsky 1992). It is in the network from each
    validation until the next training step, and when the fit has ended; that trains on from its own weights."""
    order = 15  # after `Precision` has laid out the weights, before the best are kept
    def __init__(self, decay): self.decay, self.average, self.inside, self.n = decay, None, False, 0

    def before_fit(self):
        self.inside, self.n = False, 0
        self.run = not hasattr(self, 'lr_finder') and not hasattr(self, 'gather_preds')
        if self.run: self.average = AveragedModel(self.model, use_buffers=True)

    def before_train(self): self._put(False)

    def after_step(self):
        self.average.multi_avg_fn = partial(averaged, ramped(self.decay, self.n))
        self.average.update_parameters(self.model)
        self.n += 1

    def before_validate(self): self._put(True)

    def after_fit(self):
        self._put(True)
        self.average = None

    def state(self): return dict(average=self.average.state_dict(), inside=self.inside, n=self.n)

    def resume(self, state):
        self.average.load_state_dict(state['average'])
        self.inside, self.n = state['inside'], state['n']

    @torch.no_grad()
    def _put(self, inside):
        if self.inside == inside or self.average is None: return
        for here, there in zip(tensors(self.model), tensors(self.average.module), strict=True):
            kept = here.clone()
            here.copy_(there)
            there.copy_(kept)
        self.inside = inside
