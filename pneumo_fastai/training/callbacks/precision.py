"Channels-last and, where it is faster, bfloat16."
import torch
from fastai.callback.core import Callback

from ...processes import from_first, world
from ..precision import faster, native_bfloat16, tried
from .random_state import random_state_kept


class Precision(Callback):
    """Channels-last and, for 'bfloat16' or an 'auto' that finds it native or, in a trial, faster, autocast in training steps.
    Validation and predictions are float32: the epoch is chosen by the AUROC that is reported, and a file's probability does not
    depend on its batch."""
    order = 10  # after the batch is on its device
    chosen = None  # what 'auto' was for several processes
    trial = None  # seconds of a step by precision, where 'auto' had to try
    def __init__(self, precision='auto'): self.precision = precision

    def resolved(self) -> str:
        return self.precision if self.precision != 'auto' else self.chosen or self._choose()

    def agree(self):
        "Of several processes the first chooses for all."
        if world() > 1: self.chosen = from_first(self.resolved)

    def _choose(self):
        if native_bfloat16(self.dls.device): return 'bfloat16'
        if self.trial is None:
            with random_state_kept(self.dls): self.trial = tried(self.learn)
        return faster(self.trial)

    def before_fit(self):
        if not hasattr(self, 'gather_preds'): self.resolved()
        self.model.to(memory_format=torch.channels_last)

    def before_batch(self):
        # plain tensors: fastai's subclass would pass through every operation of the network
        self.learn.xb = tuple(x.as_subclass(torch.Tensor).contiguous(memory_format=torch.channels_last) for x in self.xb)
        self._leave()  # a step that raised may have left it on
        low = self.training and self.resolved() == 'bfloat16'
        self.autocast = torch.autocast(self.dls.device.type, torch.bfloat16, enabled=low)
        self.autocast.__enter__()

    def after_pred(self):
        self._leave()
        self.learn.pred = self.pred.float()  # the loss and the metrics are float32

    def after_cancel_batch(self): self._leave()

    def _leave(self):
        if autocast := self.__dict__.pop('autocast', None): autocast.__exit__(None, None, None)
