"What changes or watches the loop: metrics, precision, the best weights, the non-finite loss, the random state, the progress."
import random
from contextlib import contextmanager

import numpy as np
import torch
from fastai.callback.core import Callback
from fastai.callback.tracker import TrackerCallback
from fastai.learner import AvgLoss, AvgSmoothLoss
from fastai.metrics import AccumMetric
from fastai.torch_core import find_bs, to_detach

from ..errors import InputError
from ..evaluation import metrics as measures
from ..inference.stored import by_torch
from ..memory import give_back
from ..models.losses import CrossEntropy
from .precision import faster, native_bfloat16, tried


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


class MeanLoss(AvgLoss):
    "fastai's, kept on the loss's own device too; a batch counts as its loss does, so that weighted images do not depend on their batch."
    def accumulate(self, learn):
        mass = learn.loss_func.mass(learn.y) if isinstance(learn.loss_func, CrossEntropy) else find_bs(learn.yb)
        self.total = self.total + learn.to_detach(learn.loss.mean(), cpu=False) * mass
        self.count = self.count + mass


class SmoothLoss(AvgSmoothLoss):
    "fastai's, kept on the loss's own device."
    def accumulate(self, learn):
        self.count += 1
        loss = learn.loss.detach().mean()
        self.val = torch.lerp(loss, self.val.to(loss.device), self.beta)


class StopOnNonFinite(Callback):
    "Raises `InputError` with the step of the first loss that is not a number; torch cannot train on from there."
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
        losses, self.unseen = torch.stack(self.unseen).tolist(), []
        bad = next((i for i, loss in enumerate(losses) if not np.isfinite(loss)), None)
        if bad is None: return
        raise InputError(f'the loss is {losses[bad]} at epoch {self.epoch}, step {self.iter + 1 - len(losses) + bad} of {self.n_iter}; '
                         f'a lower --lr than {self.opt.hypers[0]["lr"]:.3g} or --precision float32 would do')

    def fetch(self): self.recorder.losses = [loss.cpu() for loss in self.recorder.losses]  # as fastai's plots want them
    def after_fit(self): self.fetch()  # lr_find ends in the middle of an epoch


class Precision(Callback):
    """Channels-last and, for 'bfloat16' or an 'auto' that finds it native or, in a trial, faster, autocast in training steps.
    Validation and predictions are float32: the epoch is chosen by the AUROC that is reported, and a file's probability does not
    depend on its batch."""
    order = 10  # after the batch is on its device
    trial = None  # seconds of a step by precision, where 'auto' had to try
    def __init__(self, precision='auto'): self.precision = precision

    def resolved(self) -> str:
        if self.precision != 'auto': return self.precision
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


class GiveBack(Callback):
    """Every `every` steps, and after each epoch, free memory goes back to the system. glibc's `posix_memalign`, which torch calls, cannot
    take a freed block for another of its size (glibc bug 14581): what `memory.keep_freed` keeps would grow by some MB a step. Between
    forward and backward most of what a step needs is in use, and little is given back that is asked for at once."""
    def __init__(self, every=10): self.every = every

    def after_loss(self):
        if self.training and not (self.train_iter + 1) % self.every: give_back()

    def after_epoch(self): give_back()


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


@contextmanager
def random_state_kept(dls):
    "Python's, NumPy's, torch's and the loaders' random state afterwards as before."
    before = random.getstate(), np.random.get_state(), torch.get_rng_state(), [dl.rng.getstate() for dl in dls.loaders]
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    try: yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])
        for dl, state in zip(dls.loaders, before[3], strict=True): dl.rng.setstate(state)
        if cuda: torch.cuda.set_rng_state_all(cuda)


class KeepRandomState(Callback):
    "After `lr_find`, which restores weights and optimiser itself, the random state is as it was too."
    order = -10
    def before_fit(self):
        if hasattr(self, 'lr_finder'):
            self.keep = random_state_kept(self.dls)
            self.keep.__enter__()

    def after_fit(self):
        if keep := self.__dict__.pop('keep', None): keep.__exit__(None, None, None)


class Bar(Callback):
    "A rich progress bar over the steps of a fit or of predictions, and a line an epoch."
    order = 70  # after the Recorder
    heads = dict(train_loss='loss', valid_loss='v. loss', accuracy='acc.', precision='prec.', specificity='spec.', f1='F1', auroc='AUROC')

    def __init__(self, progress, description='training'): self.progress, self.description = progress, description

    def _start(self, total): self.task = self.progress.add_task(self.description, total=total, note='')

    def before_fit(self):
        if hasattr(self, 'gather_preds'): return
        self._start(self.n_epoch * (len(self.dls.train) + len(self.dls.valid)))
        self._line([self.heads.get(o, o) for o in self.recorder.metric_names])

    def before_validate(self):
        if hasattr(self, 'gather_preds'): self._start(len(self.dl))

    def after_batch(self): self.progress.advance(self.task)

    def after_epoch(self):
        if not hasattr(self, 'gather_preds'): self._line(self.recorder.log)

    def _line(self, values):
        cells = [f'{v:.3f}' if isinstance(v, float) else str(v) for v in values]
        self.progress.console.print(cells[0].rjust(5) + ''.join(c.rjust(8) for c in cells[1:]), no_wrap=True, crop=False)
