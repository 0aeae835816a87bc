"Batch normalisation over the batches of several processes, which torch's `SyncBatchNorm` does on a GPU alone."
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..errors import InputError

KNOWN = nn.BatchNorm1d, nn.BatchNorm2d


class SyncedBatchNorm(nn.BatchNorm2d):
    "`nn.BatchNorm2d` of which each process has an equal part of the batch: in training, mean and variance are those of all parts."
    def forward(self, x):
        if not self.training: return super().forward(x)
        x32, places = x.float(), (0, *range(2, x.dim()))
        shape = 1, -1, *[1] * (x.dim() - 2)
        mean = across(x32.mean(places))
        centred = x32 - mean.view(shape)
        var = across(centred.square().mean(places))
        self.keep(mean, var, x.numel() / len(mean) * world())
        scale = (var + self.eps).rsqrt() * self.weight
        return torch.addcmul(self.bias.view(shape), centred, scale.view(shape)).to(x.dtype)

    @torch.no_grad()
    def keep(self, mean, var, n):
        "`n` values a channel, in all processes, into the running mean and, without bias, variance."
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(var * (n / (n - 1)), self.momentum)

    def _check_input_dim(self, x): "Of any number of places."


class Across(torch.autograd.Function):
    "The sum over all processes, of the gradients too: each process's loss depends on each one's part."
    @staticmethod
    def forward(ctx, part): return summed(part)
    @staticmethod
    def backward(ctx, gradient): return summed(gradient)


def summed(part):
    torch.distributed.all_reduce(total := part.clone(memory_format=torch.contiguous_format))
    return total


def world(): return torch.distributed.get_world_size()
def across(part): return Across.apply(part) / world()


def alike(norm, group) -> nn.Module:
    "`norm` over all processes, with its own tensors: what one learns the other has. `group` is that of GPUs, if there is one."
    if group is not None: return nn.SyncBatchNorm.convert_sync_batchnorm(norm, group)
    new = SyncedBatchNorm(norm.num_features, norm.eps, norm.momentum)
    for name in ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'): setattr(new, name, getattr(norm, name))
    return new.train(norm.training)


def synchronise(model, group=None) -> dict:
    "Puts norms over all processes in the place of `model`'s; returns those, by name, for `restore`. `InputError` where one cannot be."
    norms = {name: module for name, module in model.named_modules() if isinstance(module, _BatchNorm)}
    for norm in norms.values():
        if type(norm) not in KNOWN or norm.momentum is None or not (norm.affine and norm.track_running_stats):
            raise InputError(f'the network has {type(norm).__name__} of a kind that is not synchronised; train it in one process')
    for name, norm in norms.items(): model.set_submodule(name, alike(norm, group))
    return norms


def restore(model, norms):
    for name, norm in norms.items():
        norm.train(model.get_submodule(name).training)
        model.set_submodule(name, norm)
