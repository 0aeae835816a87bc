"Experiment + DataLoaders -> Learner."
from functools import partial

import torch
from fastai.callback.schedule import ParamScheduler, SchedCos
from fastai.learner import Learner
from fastai.optimizer import OptimWrapper
from fastai.torch_core import set_seed

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
    "A fastai `Learner` with fresh weights from the experiment's seed; train it with `learn.fit(..., cbs=schedule(experiment))`."
    set_seed(experiment.seed, reproducible=True)
    loss = CrossEntropy(class_weights(experiment, dls.cohort))
    cbs = [StopOnNonFinite(), Precision(experiment.precision), KeepRandomState(), GiveBack()]
    if experiment.box_guidance: cbs.append(BoxGuidance(experiment.box_guidance))
    if experiment.compiled: cbs.append(CompiledStep())
    learn = Learner(dls, build(**described(experiment)), loss, opt_func=adam, lr=experiment.lr, wd=experiment.weight_decay,
                    metrics=metric_suite(), cbs=cbs, path=path, model_dir='.')
    learn.recorder.loss, learn.recorder.smooth_loss = MeanLoss(), SmoothLoss()
    return learn


def schedule(experiment):
    "Cosine annealing from the experiment's rate to 0, per step (Loshchilov and Hutter 2017, without restarts)."
    return ParamScheduler({'lr': SchedCos(experiment.lr, 0.)})


def train(learn, experiment, cbs=()):
    "Fit for the experiment's epochs; ends with the weights of the best validation AUROC."
    learn.fit(experiment.epochs, experiment.lr, cbs=[schedule(experiment), BestModel(), *cbs])
