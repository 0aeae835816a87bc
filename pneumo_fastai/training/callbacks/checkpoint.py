"Keeping what a training needs to go on exactly where it was."
import time
from functools import partial

import torch
from fastai.callback.core import Callback
from fastai.torch_core import get_random_states, set_random_states

from ...processes import largest, rank
from .. import checkpoints
from ..checkpoints import ALL, plain
from ..interrupt import Interrupted, Stop
from .random_state import drawn_apart

SHARE = .02  # of the time that checkpoints may take


class Checkpoint(Callback):
    """Writes a checkpoint after an epoch, and within one every so many minutes, but no more than `SHARE` of the time; begins with `start`
    where it is given one. What another callback has to keep it gives as `state()`, plain values, and takes back by `resume(state)`."""
    order = 95  # after all that an epoch or a step changes; `Patience`, which ends a fit before this sees the epoch, does so again
    def __init__(
        self, folder,
        phase=ALL,    # which of the fits of a training
        start=None,   # of `checkpoints.latest`
        stop=None,    # a `Stop`, looked at after each step
        minutes=10,   # 0: after each step, whatever that takes
    ):
        self.folder, self.phase, self.stop, self.minutes = folder, phase, stop or Stop(), minutes
        self.start = start if start and start['phase'] == phase else None

    def before_fit(self):
        self.run = not hasattr(self, 'lr_finder') and not hasattr(self, 'gather_preds')
        self.left_out, self.cost, self.saved = 0, 0., time.monotonic()
        if self.run and self.start: self._put(self.start)
        self.start = None

    def before_train(self): self.order_from = [dl.rng.getstate() for dl in self.dls.loaders]

    def after_batch(self):
        if self.training: self._keep(self._due(60*self.minutes), self.epoch, self.left_out + self.iter + 1, self.order_from)

    def after_train(self): self.left_out = 0

    def after_epoch(self):
        last = self.epoch == self.n_epoch - 1
        self._keep(last or self._due(0), self.epoch + 1, 0, [dl.rng.getstate() for dl in self.dls.loaders])

    def after_fit(self): self.learn.first_epoch = 0

    def _due(self, seconds): return self.minutes == 0 or time.monotonic() - self.saved >= max(seconds, self.cost/SHARE)

    def _keep(self, due, *where):
        asked, due = largest(self.stop.signal or 0, int(due and not rank()))  # once: what comes while it is written is for the next step
        if asked or due: self._save(*where)
        if asked: raise Interrupted(number=asked)

    def _kept(self): return {cb.name: cb for cb in self.learn.cbs if hasattr(type(cb), 'resume')}

    def _save(self, epoch, step, loaders):
        began = time.monotonic()
        if self.stop_on_non_finite.unseen: self.stop_on_non_finite.look()
        if rank(): return
        r = self.recorder
        checkpoints.save(self.folder, plain(dict(
            phase=self.phase, epoch=epoch, step=step, loaders=loaders, random=get_random_states(), model=self.model.state_dict(),
            opt=self.opt.state_dict(), count=(self.train_iter, self.pct_train), smooth=(r.smooth_loss.count, r.smooth_loss.val),
            recorder=dict(values=[list(map(float, v)) for v in r.values], iters=list(r.iters), lrs=list(r.lrs),
                          losses=[float(o) for o in r.losses]),
            callbacks={name: cb.state() for name, cb in self._kept().items()})))
        self.saved = time.monotonic()
        self.cost = self.saved - began

    def _put(self, kept):
        self.model.load_state_dict(kept['model'])
        self.opt.load_state_dict(kept['opt'])
        r = self.recorder
        vars(r).update(kept['recorder'], losses=[torch.tensor(o) for o in kept['recorder']['losses']])
        r.smooth_loss.count, r.smooth_loss.val = kept['smooth']
        for name, cb in self._kept().items(): cb.resume(kept['callbacks'][name])
        for dl, state in zip(self.dls.loaders, kept['loaders'], strict=True): dl.rng.setstate(state)
        self.learn.first_epoch, self.left_out = kept['epoch'], kept['step']
        if self.left_out: self.dls.train.begin = self.left_out, partial(self._count, kept)
        else: self._count(kept)

    def _count(self, kept):
        "In the middle of an epoch when its order is drawn, before the batch is made that comes next."
        self.learn.train_iter, self.learn.pct_train = kept['count']
        numpy = kept['random']['numpy_state']
        set_random_states(**kept['random'] | dict(numpy_state=(numpy[0], numpy[1].numpy(), *numpy[2:])))
        drawn_apart()
