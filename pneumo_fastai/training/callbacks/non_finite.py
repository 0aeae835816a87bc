"Training stops at a loss that is not finite, and says at which step."
import numpy as np
import torch
from fastai.callback.core import Callback

from ...errors import InputError
from ...processes import mean


class NonFinite(InputError): "What training comes to again from a checkpoint shortly before."


class StopOnNonFinite(Callback):
    "Raises `NonFinite` with the step of the first loss that is not a number; torch cannot train on from there."
    order = -5
    def __init__(self, every=None): self.every = every  # steps between two looks; None: 1, or 50 on a GPU, which waits at each look

    def before_train(self): self.unseen = []

    def after_loss(self):
        if not self.training or hasattr(self, 'lr_finder'): return
        self.unseen.append(self.loss_grad.detach())
        if len(self.unseen) >= (self.every or (1 if self.loss_grad.device.type == 'cpu' else 50)): self.look()

    def after_train(self):
        if self.unseen: self.look()
        self.fetch()

    def look(self):
        losses, self.unseen = mean(torch.stack(self.unseen)).tolist(), []  # of all processes: they end together
        bad = next((i for i, loss in enumerate(losses) if not np.isfinite(loss)), None)
        if bad is None: return
        raise NonFinite(f'the loss is {losses[bad]} at epoch {self.epoch}, step {self.iter + 1 - len(losses) + bad} of {self.n_iter}; '
                        f'a lower --lr than {self.opt.hypers[0]["lr"]:.3g} or --precision float32 would do')

    def fetch(self): self.recorder.losses = [loss.cpu() for loss in self.recorder.losses]  # as fastai's plots want them
    def after_fit(self): self.fetch()  # lr_find ends in the middle of an epoch
