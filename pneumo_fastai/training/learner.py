"Experiment + DataLoaders -> Learner."
from functools import partial

import numpy as np
import torch
from fastai.callback.core import CancelEpochException
from fastai.learner import Learner
from fastai.optimizer import OptimWrapper
from fastai.torch_core import params, set_seed

from ..data.counts import class_weights
from ..models.losses import loss_of
from ..models.zoo import build, described
from .callbacks.best import BestModel
from .callbacks.compiled import CompiledStep
from .callbacks.distributed import in_parallel
from .callbacks.growth import Growth
from .callbacks.guidance import BoxGuidance
from .callbacks.losses import MeanLoss, SmoothLoss
from .callbacks.memory import GiveBack
from .callbacks.metrics import metric_suite
from .callbacks.mixing import CutMix, MixUp
from .callbacks.non_finite import StopOnNonFinite
from .callbacks.patience import Patience
from .callbacks.precision import Precision
from .callbacks.random_state import KeepRandomState
from .initial import check_unseen, start
from .schedules import schedule

# PyTorch's own: betas (0.9, 0.999), eps 1e-8; fused: one pass over the weights in place of ten
OPTIMIZERS = {name: partial(OptimWrapper, opt=partial(made, fused=True))
              for name, made in dict(adam=torch.optim.Adam, adamw=torch.optim.AdamW).items()}


class Resumable(Learner):
    "A `Learner` whose fit begins with `first_epoch`; with fastai's `start_epoch` callbacks would see the epochs before it too."
    first_epoch = 0
    def _do_fit(self):
        for epoch in range(self.first_epoch, self.n_epoch):
            self.epoch = epoch
            self._with_events(self._do_epoch, 'epoch', CancelEpochException)


def get_learner(
    experiment,  # an `Experiment`
    dls,         # from `get_dls`
    path=None,   # where `learn.save`, `learn.export` and `lr_find` write; None: the working folder
) -> Learner:
    """A fastai `Learner` with fresh weights from the experiment's seed, or those that its `weights` name, of which `learn.begun` tells;
    train it with `learn.fit(..., cbs=schedule(experiment))`."""
    check_unseen(experiment, dls.cohort)
    set_seed(experiment.seed, reproducible=True)
    table = dls.cohort.table
    loss = loss_of(experiment, class_weights(experiment, table.label[table.split == 'train']))
    cbs = [StopOnNonFinite(), Precision(experiment.precision), KeepRandomState(), GiveBack(), *batch_callbacks(experiment)]
    net = build(**described(experiment))
    begun = start(net, experiment)
    learn = Resumable(dls, net, loss, opt_func=OPTIMIZERS[experiment.optimizer], lr=experiment.lr,
                    wd=experiment.weight_decay, splitter=body_and_head, metrics=metric_suite(), cbs=cbs, path=path, model_dir='.')
    learn.begun = begun
    if experiment.prior_bias: start_at(learn.model, shares(dls, loss))
    learn.recorder.loss, learn.recorder.smooth_loss = MeanLoss(), SmoothLoss()
    return learn


def batch_callbacks(e) -> list:
    "Those that change what a training step of the experiment does."
    made = {Growth: e.size_start, MixUp: e.mixup, CutMix: e.cutmix, BoxGuidance: e.box_guidance}
    return [*(cb(value) for cb, value in made.items() if value), *[CompiledStep()] * e.compiled]


def shares(dls, loss) -> torch.Tensor:
    "(classes,) what each has in training, as often as its images are drawn and as much as `loss` weighs them."
    labels = torch.tensor(dls.train.items['label'].to_numpy())
    mass = torch.bincount(labels, loss.weigh(labels), len(dls.vocab))
    return mass / mass.sum()


def start_at(model, shares):
    "The bias of `model`'s last layer becomes the log of these shares of the classes: it begins by saying how frequent they are."
    with torch.no_grad(): model.get_submodule(model.last).bias.copy_(torch.as_tensor(shares).log())


def rates(experiment):
    "The highest rate, where that of body and head is not the same of each."
    return experiment.lr if experiment.lr_mult == 1 else np.array([experiment.lr / experiment.lr_mult, experiment.lr])


def body_and_head(net) -> list:
    "The parameters in two groups, the last layer's apart, as `Learner.freeze` takes them; in one where the network has no `last`."
    if not hasattr(net, 'last'): return [params(net)]
    head = params(net.get_submodule(net.last))
    return [[p for p in params(net) if all(p is not h for h in head)], head]


def warm_up_head(learn, experiment, cbs=()):
    """`freeze_epochs` epochs at the highest rate in which the last layer learns alone, but for the norms of those before it: the first
    half of fastai's `fine_tune`."""
    learn.freeze()
    try: learn.fit(experiment.freeze_epochs, slice(experiment.lr / experiment.lr_mult, experiment.lr), cbs=[*in_parallel(), *cbs])
    finally: learn.unfreeze()


def train(
    learn, experiment,
    cbs=(),
    first=(),  # callbacks of the epochs of the head alone, which are in neither history nor the choice of the best
    begun=False,  # whether those of the head have been already
):
    "Fit for the experiment's epochs; ends with the weights of the best validation AUROC."
    if experiment.freeze_epochs and not begun: warm_up_head(learn, experiment, first)
    patience = [Patience(experiment.patience)] * bool(experiment.patience)
    own = [schedule(experiment, rates(experiment)), BestModel(), *patience]
    learn.fit(experiment.epochs, experiment.lr, cbs=[*own, *in_parallel(), *cbs])
