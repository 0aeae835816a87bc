"The learning rate, and what goes with it, step by step: fastai's schedulers by the name that `schedule` takes in the recipe."
from fastai.callback.schedule import ParamScheduler, SchedCos, SchedLin, combine_scheds, combined_cos

MOMENTUM = .95, .85, .95  # fastai's: at the start, at the highest rate, at the end
UP, DIV, DIV_END = .25, 25., 1e5  # of fastai's `fit_one_cycle`: share of the steps that go up; lr by these is the first and the last rate


def cosine(experiment, lr):
    "From the rate to 0 (Loshchilov and Hutter 2017, without restarts), after `warmup` epochs from a 25th of it in a straight line."
    down, share = SchedCos(lr, 0.), experiment.warmup / experiment.epochs
    return {'lr': combine_scheds([share, 1 - share], [SchedLin(lr / DIV, lr), down]) if share else down}


def one_cycle(experiment, lr):
    "Up to the rate and down again, Adam's first beta the other way (Smith 2018): `fit_one_cycle`'s."
    return {'lr': combined_cos(UP, lr / DIV, lr, lr / DIV_END), 'mom': combined_cos(UP, *MOMENTUM)}


SCHEDULES = dict(cosine=cosine, one_cycle=one_cycle)


def schedule(
    experiment,
    lr=None,  # the highest rate, or a NumPy array of one for each group of parameters; None: the experiment's
) -> ParamScheduler:
    "The callback that sets them before each step."
    return ParamScheduler(SCHEDULES[experiment.schedule](experiment, experiment.lr if lr is None else lr))
