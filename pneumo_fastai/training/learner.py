"Experiment + DataLoaders -> Learner."
from functools import partial

import numpy as np
import torch
from fastai.callback.schedule import ParamScheduler, SchedCos
from fastai.learner import Learner
from fastai.optimizer import OptimWrapper
from fastai.torch_core import params, set_seed

from ..data.counts import balanced_weights
from ..models.losses import CrossEntropy
from ..models.zoo import build, described
from .callbacks.best import BestModel
from .callbacks.compiled import CompiledStep
from .callbacks.guidance import BoxGuidance
from .callbacks.losses import MeanLoss, SmoothLoss
from .callbacks.memory import GiveBack
from .callbacks.metrics import metric_suite
from .callbacks.non_finite import StopOnNonFinite
from .callbacks.precision import Precision
from .callbacks.random_state import KeepRandomState
from .initial import check_unseen, start

# PyTorch's own: betas (0.9, 0.999), eps 1e-8, no decoupled weight decay; fused: one pass over the weights in place of ten
adam = partial(OptimWrapper, opt=partial(torch.optim.Adam, fused=True))


def class_weights(experiment, cohort):
    "Those of the training split's counts, or None where the experiment weighs none."
    return balanced_weights(cohort.table.label[cohort.table.split == 'train']) if experiment.class_weights == 'balanced' else None


def get_learner(
    experiment,  # an `Experiment`
    dls,         # from `get_dls`
    path=None,   # where `learn.save`, `learn.export` and `lr_find` write; None: the working folder
) -> Learner:
    """A fastai `Learner` with fresh weights from the experiment's seed, or those that its `weights` name, of which `learn.begun` tells;
    train it with `learn.fit(..., cbs=schedule(experiment))`."""
    check_unseen(experiment, dls.cohort)
    set_seed(experiment.seed, reproducible=True)
    loss = CrossEntropy(class_weights(experiment, dls.cohort))
    cbs = [StopOnNonFinite(), Precision(experiment.precision), KeepRandomState(), GiveBack()]
    if experiment.box_guidance: cbs.append(BoxGuidance(experiment.box_guidance))
    if experiment.compiled: cbs.append(CompiledStep())
    net = build(**described(experiment))
    begun = start(net, experiment)
    learn = Learner(dls, net, loss, opt_func=adam, lr=experiment.lr, wd=experiment.weight_decay, splitter=body_and_head,
                    metrics=metric_suite(), cbs=cbs, path=path, model_dir='.')
    learn.begun = begun
    learn.recorder.loss, learn.recorder.smooth_loss = MeanLoss(), SmoothLoss()
    return learn


def schedule(experiment):
    "Cosine annealing from the experiment's rate to 0, per step (Loshchilov and Hutter 2017, without restarts)."
    return ParamScheduler({'lr': SchedCos(rates(experiment), 0.)})


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
    learn.fit(experiment.freeze_epochs, slice(experiment.lr / experiment.lr_mult, experiment.lr), cbs=cbs)
    learn.unfreeze()


def train(
    learn, experiment,
    cbs=(),
    first=(),  # callbacks of the epochs of the head alone, which are in neither history nor the choice of the best
):
    "Fit for the experiment's epochs; ends with the weights of the best validation AUROC."
    if experiment.freeze_epochs: warm_up_head(learn, experiment, first)
    learn.fit(experiment.epochs, experiment.lr, cbs=[schedule(experiment), BestModel(), *cbs])
