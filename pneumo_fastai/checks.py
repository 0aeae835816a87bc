"What a recipe asks for that cannot be, told before anything is trained. Here, not in training/, which loads fastai."
from .errors import InputError
from .experiment import names
from .recipe import Network


def check_networks(experiments):
    "`check_network`, once for those that ask for the same."
    asked = {tuple(getattr(e, k) for k in (*names(Network), 'size', 'size_start', 'gradcam_layers')): e for e in experiments}
    for e in asked.values(): check_network(e)


def check_network(experiment):
    "`InputError` where there is no such network, layer with maps, or weights to start from, before anything is read."
    from .models.zoo import build, check, described
    e = experiment
    check(**described(e))
    if not (e.gradcam_layers or e.weights or e.arch.startswith('timm:')): return  # most need not be built to be known
    net = build(**described(e))
    if e.size_start not in (0, e.size) and getattr(net, 'fixed', False):
        raise InputError(f'arch {e.arch} takes images of one size, size_start {e.size_start} is another; set it to 0')
    if e.gradcam_layers: check_layers(net, e)
    if e.weights:
        from .training.initial import start
        start(net, e)


def check_layers(net, experiment):
    from .explain import gradcam, layers
    layers.check_layers(net, gradcam.names(experiment.gradcam_layers), experiment.size)


def check_weights(experiment, cohort):
    "`InputError` where the weights to start from have learnt from patients that are to be held out."
    if not experiment.weights: return
    from .training.initial import check_unseen
    check_unseen(experiment, cohort)
