"What two processes find and what one does, for tests; by `torchrun --nproc-per-node 2 two_processes.py FILMS CACHE OUT`."
import sys
from dataclasses import replace
from pathlib import Path

import torch
from conftest import Small, small_network
from fastai.callback.core import Callback
from torch import nn

from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.data.prepare import prepare
from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import Experiment
from pneumo_fastai.models import norms, zoo
from pneumo_fastai.processes import each, from_first, largest, mean, rank, together
from pneumo_fastai.training import learner
from pneumo_fastai.training.learner import get_learner, train
from pneumo_fastai.training.loaders import get_dls

TINY = Experiment(size=32, batch_size=16, epochs=2, lr=1e-3, precision='float32')
RECIPES = dict(plain={}, still=dict(lr=1e-12, class_weights='balanced'), weighted=dict(class_weights='balanced'),
               focal=dict(loss='focal', class_weights='effective'),
               guided=dict(box_guidance=1., oversample='class', patience=1), head_first=dict(weights='x', freeze_epochs=1, lr_mult=10.),
               grown=dict(size=96, size_start=64, schedule='one_cycle'))


class Headed(Small):
    "Whose maps go through its head, as box guidance has it."
    def features(self, x): return through(list(self)[:-3], x)
    def head(self, maps): return through(list(self)[-3:], maps)
    def forward(self, x): return self.head(self.features(x))


def through(layers, x):
    for layer in layers: x = layer(x)
    return x


class Poison(Callback):
    "The third step's loss is not a number, in the last process alone."
    order = -6
    def after_loss(self):
        if self.train_iter == 2 and rank(): self.learn.loss_grad = self.loss_grad * float('nan')


def poisoned(films, cache):
    try: trained(films, cache, {}, [Poison()])
    except InputError as e: return str(e)


def trained(films, cache, changes, cbs=()):
    "Losses of the steps, rows of the history, weights; and where the norms and the network's way were left as they were."
    e = replace(TINY, **changes)
    cohort = read_cohort(films)
    cohort.table['boxes'] = [[(10, 8, 14, 20)] if y else [] for y in cohort.table.label]
    cohort = prepare(cohort, e, cache)
    cohort.table = cohort.table.drop(cohort.table.index[cohort.table.split == 'valid'][0])  # 9 are not shared evenly
    learn = get_learner(e, get_dls(e, cohort))
    with learn.no_bar(), learn.no_logging(): train(learn, e, cbs)
    assert type(learn.model[1]) is nn.BatchNorm2d and 'forward' not in vars(learn.model)
    return dict(losses=[float(o) for o in learn.recorder.losses], rows=[list(map(float, row[:-1])) for row in learn.recorder.values],
                weights={k: v.clone() for k, v in learn.model.state_dict().items()}, random=torch.rand(1).item())



def normed(x):
    "Output, gradients and state of a norm after two steps on this process's part of a batch."
    model = nn.Sequential(nn.BatchNorm2d(3, momentum=.3))
    nn.init.normal_(model[0].weight, generator=torch.Generator().manual_seed(1))
    if torch.distributed.is_initialized(): norms.synchronise(model)
    x = x.clone().requires_grad_()
    for _ in range(2): out = model(x)
    (out.sin() * x.detach().cos()).sum().backward()
    weights = torch.stack([p.grad for p in model.parameters()])
    return dict(out=out.detach(), x=x.grad, weights=weights, state=dict(model.state_dict()))


def told(): return dict(largest=largest(rank(), 1 - rank()), mean=mean(torch.tensor([rank(), 4.])).tolist(),
                        first=from_first(lambda: f'of {rank()}'), each=each(rank()))


def main(films, cache, out):
    learner.start = lambda net, experiment: None
    zoo.maker = lambda arch: lambda: Headed(*small_network())
    x = torch.randn(6, 3, 5, 4, generator=torch.Generator().manual_seed(0)) * 3 + 20
    with together():
        two = dict(norm=each(normed(x[rank()::2])), told=each(told()), **{k: each(trained(films, cache, v)) for k, v in RECIPES.items()})
        two['poisoned'] = each(poisoned(films, cache))
        first = rank() == 0
    if not first: return
    one = dict(norm=normed(x), **{k: trained(films, cache, v) for k, v in RECIPES.items()})
    torch.save(dict(one=one, two=two), out)


if __name__ == '__main__': main(*map(Path, sys.argv[1:]))
