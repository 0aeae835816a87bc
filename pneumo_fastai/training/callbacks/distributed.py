"Several processes that train one network: each has its part of every batch, and what one process would do with the whole is what they do."
import torch
from fastai.callback.core import Callback
from torch.nn.parallel import DistributedDataParallel

from ...models.norms import restore, synchronise
from ...processes import each, link, mean, world
from ..batches import interleaved
from .mixing import TwoLabels
from .random_state import drawn_apart


class Distributed(Callback):
    """Training steps go through `DistributedDataParallel`, with batch norm over all processes; all else, validation too, through the
    network itself, which is as it was when the fit ends. Numbers that are drawn differ between processes, the images' order does not."""
    order = 1000  # the last before the forward, and after weights were laid out, copied or taken from a checkpoint
    _stateattrs = ('parallel', 'norms')  # not to be pickled

    def before_fit(self):
        device = self.dls.device
        self.norms = synchronise(self.model, link(device))
        ids = [device] if device.type == 'cuda' else None
        self.parallel = DistributedDataParallel(self.model, device_ids=ids, process_group=link(device), forward_sync_buffers=False)
        drawn_apart()

    def before_batch(self):
        if self.training: self.model.forward = self._forward

    def _forward(self, x):
        del self.model.forward  # first: whatever happens now, all others see the network itself
        return self.parallel(x)

    def after_fit(self):
        restore(self.model, self.norms)
        del self.parallel, self.norms


class OneLoss(Callback):
    """The loss of a training step is that of the whole batch, whatever its parts weigh, in all processes; metrics and loss of a validation
    are those of the whole set."""
    order = -15  # after images are mixed, before boxes are taught and the loss is looked at

    def after_loss(self):
        if not self.training: return
        mass, loss = self._mass(), self.loss_grad.detach()
        both = mean(torch.stack([loss * mass, mass]))
        self.learn.loss_grad = self.loss_grad * (mass / both[1])
        self.learn.loss = both[0] / both[1]

    def _mass(self):
        "What the mean over this part of the batch was divided by."
        mixed = next((cb.mass for cb in self.learn.cbs if isinstance(cb, TwoLabels)), None)
        return torch.as_tensor(self.loss_func.mass(self.y) if mixed is None else mixed, dtype=torch.float32, device=self.loss_grad.device)

    def after_validate(self):
        for metric in self.learn.metrics:
            for name in ('preds', 'targs'): setattr(metric, name, [interleaved(each(whole(getattr(metric, name))))])
        of = self.recorder.loss
        totals = each([float(of.total), float(of.count)])
        of.total, of.count = torch.tensor(sum(t for t, _ in totals)), sum(c for _, c in totals)


def whole(parts):
    "On the CPU, None where this process has had nothing."
    return torch.cat(parts).cpu().as_subclass(torch.Tensor) if parts else None


def in_parallel() -> list:
    "The callbacks of a fit in several processes; none in one."
    return [Distributed(), OneLoss()] if world() > 1 else []
