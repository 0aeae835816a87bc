"Experiment + DataLoaders -> Learner."
from functools import partial

import torch
from fastai.learner import Learner
from fastai.optimizer import OptimWrapper
from fastai.torch_core import set_seed

from ..data.counts import class_weights
from ..models.losses import loss_of
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
from .schedules import schedule

# PyTorch's own: betas (0.9, 0.999), eps 1e-8; fused: one pass over the weights in place of ten
OPTIMIZERS = {name: partial(OptimWrapper, opt=partial(made, fused=True))
              for name, made in dict(adam=torch.optim.Adam, adamw=torch.optim.AdamW).items()}


def get_learner(
    experiment,  # an `Experiment`
    dls,         # from `get_dls`
    path=None,   # where `learn.save`, `learn.export` and `lr_find` write; None: the working folder
) -> Learner:
    "A fastai `Learner` with fresh weights from the experiment's seed; train it with `learn.fit(..., cbs=schedule(experiment))`."
    set_seed(experiment.seed, reproducible=True)
    table = dls.cohort.table
    loss = loss_of(experiment, class_weights(experiment, table.label[table.split == 'train']))
    cbs = [StopOnNonFinite(), Precision(experiment.precision), KeepRandomState(), GiveBack()]
    if experiment.box_guidance: cbs.append(BoxGuidance(experiment.box_guidance))
    if experiment.compiled: cbs.append(CompiledStep())
    learn = Learner(dls, build(**described(experiment)), loss, opt_func=OPTIMIZERS[experiment.optimizer], lr=experiment.lr,
                    wd=experiment.weight_decay, metrics=metric_suite(), cbs=cbs, path=path, model_dir='.')
    learn.recorder.loss, learn.recorder.smooth_loss = MeanLoss(), SmoothLoss()
    return learn


def train(learn, experiment, cbs=()):
    "Fit for the experiment's epochs; ends with the weights of the best validation AUROC."
    learn.fit(experiment.epochs, experiment.lr, cbs=[schedule(experiment), BestModel(), *cbs])
