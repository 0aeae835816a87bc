"The networks by name: those of `architectures`, a file each, and `timm:NAME`."
from functools import partial
from importlib import import_module
from inspect import signature

from ..errors import InputError
from ..experiment import ARCHITECTURES
from ..recipe import Network

OPTIONS = dict(output_stride=Network.output_stride, antialias=Network.antialias, stochastic_depth=Network.stochastic_depth)
DESCRIBED = 'arch', 'size', *OPTIONS  # what tells one network from another, in an `Experiment` as in model.json


def maker(arch):
    "The function that builds it, whose parameters are the options that mean something to it."
    if arch.startswith('timm:'):
        from .timm_net import TimmNet
        return partial(TimmNet, arch.removeprefix('timm:'))
    return import_module(f'.architectures.{arch}', __package__).network


def described(experiment) -> dict: return {k: getattr(experiment, k) for k in DESCRIBED}


def check(arch, size=None, **options):
    "`InputError` for an option, other than its default, that means nothing to the network; says which ones would do. Any takes a `size`."
    for name, value in options.items():
        if value == OPTIONS[name] or name in signature(maker(arch)).parameters: continue
        able = ', '.join(a for a in ARCHITECTURES if name in signature(maker(a)).parameters)
        raise InputError(f'{name} means nothing to arch {arch}; leave it at {OPTIONS[name]}, or take arch {able}')


def build(
    arch,
    size=None,  # pixels a side of its images, which few networks are made for
    **options,
):
    "A network with fresh weights, (n, 1, h, w) -> (n, 2) logits: `build(**described(experiment))`."
    check(arch, **options)
    make, options = maker(arch), {k: v for k, v in options.items() if v != OPTIONS[k]}
    return make(**options, size=size) if 'size' in signature(make).parameters else make(**options)
