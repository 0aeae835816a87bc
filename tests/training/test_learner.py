from importlib import import_module

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from fastai.callback.core import Callback
from fastai.callback.progress import CSVLogger
from fastai.interpret import ClassificationInterpretation
from matplotlib import pyplot as plt

from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import ARCHITECTURES, Experiment
from pneumo_fastai.explain.gradcam import show_gradcam
from pneumo_fastai.models.zoo import build
from pneumo_fastai.training.callbacks.best import BestModel
from pneumo_fastai.training.learner import start_at, train
from pneumo_fastai.training.schedules import schedule


def test_training_is_adam_on_a_cosine_as_a_bare_pytorch_loop_does_it(make, cohort):
    learn, e = make(class_weights='balanced')
    batches, reference = [], build('resnet18')
    reference.load_state_dict(learn.model.state_dict())

    class Spy(Callback):
        order = 99  # after the scheduler
        def before_batch(self):
            if self.training: batches.append((self.x.clone(), self.y.clone(), self.opt.hypers[0]['lr']))

    learn.fit(e.epochs, e.lr, cbs=[schedule(e), Spy()])
    labels = cohort.table.label[cohort.table.split == 'train']
    weight = torch.tensor([len(labels) / (2 * (labels == c).sum()) for c in (0, 1)], dtype=torch.float32)
    opt, steps = torch.optim.Adam(reference.parameters(), lr=e.lr), len(batches)
    assert steps == e.epochs * (len(labels) // e.batch_size)
    for i, (x, y, lr) in enumerate(batches):
        assert lr == pytest.approx(e.lr * (1 + np.cos(np.pi * i / steps)) / 2)
        opt.param_groups[0]['lr'] = lr
        F.cross_entropy(reference(x.as_subclass(torch.Tensor)), y.as_subclass(torch.Tensor).long(), weight).backward()
        opt.step()
        opt.zero_grad()
    for a, b in zip(learn.model.parameters(), reference.parameters(), strict=True): torch.testing.assert_close(a, b, atol=2e-3, rtol=1e-2)


def test_the_same_seed_gives_the_same_numbers_and_another_does_not(make):
    def losses(**changes):
        learn, e = make(flip=0.5, rotate=10., brightness=0.2, contrast=0.2, **changes)
        learn.fit(e.epochs, e.lr)
        return [v.item() for v in learn.recorder.losses] + list(learn.recorder.values[-1])
    first = losses()
    assert first == losses() != losses(seed=1)


def test_a_notebooks_ways_in(make):
    learn, e = make(epochs=1)
    learn.fit(1, e.lr, cbs=BestModel())
    learn.show_results(max_n=4)
    assert all(ax.images[0].get_cmap().name == 'gray' for ax in plt.gcf().axes if ax.images)
    interpretation = ClassificationInterpretation.from_learner(learn)
    matrix = interpretation.confusion_matrix()
    assert matrix.sum() == len(learn.dls.valid.items)
    interpretation.plot_top_losses(9)
    titles = [ax.get_title() for ax in plt.gcf().axes if ax.images]
    assert len(titles) == 9 and all('called' in t and 'loss' in t for t in titles)
    plt.close('all')


def test_show_gradcam_gives_the_images_as_they_are_and_their_heat(make, cohort):
    learn, _ = make()
    paths = list(cohort.table.path[:5])
    images, heat = show_gradcam(learn, paths)
    assert images.dtype == np.uint8 and np.abs(images.astype(int) - np.stack([cohort.pixels[p] for p in paths])).max() <= 1
    assert heat.shape == images.shape and heat.min() >= 0 and heat.max() <= 1


def test_the_bias_starts_at_what_the_classes_count_in_training(make, cohort):
    labels = cohort.table.label[cohort.table.split == 'train']
    for how, share in (({}, labels.mean()), (dict(class_weights='balanced'), .5), (dict(oversample='class'), .5)):
        learn, e = make(prior_bias=True, **how)
        plain, _ = make(**how)
        assert learn.model[-1].bias.exp().tolist() == pytest.approx([1 - share, share])
        assert torch.equal(learn.model[-1].weight, plain.model[-1].weight)  # nothing else, nor the random state, is moved
        learn.fit(1, e.lr)
    assert labels.mean() < .4


@pytest.mark.parametrize('arch', ARCHITECTURES)
def test_a_head_that_starts_at_the_shares_of_the_classes_says_them_of_maps_that_say_nothing(arch):
    torch.manual_seed(0)
    model = import_module(f'pneumo_fastai.models.architectures.{arch}').network().eval()
    start_at(model, [.8, .2])
    with torch.no_grad():
        model.get_submodule(model.last).weight.zero_()
        probability = model(torch.randn(2, 1, 64, 64)).softmax(1)
    torch.testing.assert_close(probability, torch.tensor([[.8, .2]] * 2))


class Steps(Callback):
    "The rates of both groups at each step of training, and how the body's weights are after it."
    order = 99
    def __init__(self): self.rates, self.body = [], []
    def before_batch(self):
        if self.training: self.rates.append([h['lr'] for h in self.opt.hypers])
    def after_batch(self):
        if self.training: self.body.append(self.model[0].weight.detach().clone())


def test_the_head_learns_alone_first_then_all_with_a_lower_rate_for_the_body(make, tmp_path, monkeypatch):
    monkeypatch.setattr('pneumo_fastai.training.learner.start', lambda net, experiment: None)
    learn, e = make(weights='x', freeze_epochs=2, lr_mult=10., epochs=3)
    before, norm = [o.detach().clone() for o in (learn.model[0].weight, learn.model[1].weight)]
    first, then, n = Steps(), Steps(), len(learn.dls.train)
    train(learn, e, cbs=[CSVLogger(), then], first=[first])
    assert len(first.rates) == 2 * n and len(then.rates) == 3 * n and len(pd.read_csv(tmp_path/'history.csv')) == 3
    assert all(torch.equal(o, before) for o in first.body) and not torch.equal(then.body[0], before)
    assert not torch.equal(learn.model[1].weight, norm) and all(p.requires_grad for p in learn.model.parameters())
    np.testing.assert_allclose(first.rates, [[e.lr / 10, e.lr]] * 2 * n)
    cosine = (1 + np.cos(np.pi * np.arange(3 * n) / (3 * n))) / 2
    np.testing.assert_allclose(then.rates, cosine[:, None] * [e.lr / 10, e.lr], rtol=1e-6)


def test_a_frozen_learner_has_the_head_of_fastais_fine_tune(make):
    learn, _ = make()
    learn.freeze()
    alone = {k for k, p in learn.model.named_parameters() if p.requires_grad}
    assert alone == {'1.weight', '1.bias', '7.weight', '7.bias'}  # norms go on learning, as fastai has it
    assert sum(map(len, learn.opt.param_lists)) == len(list(learn.model.parameters()))


def test_a_learner_interrupted_while_its_head_learns_alone_is_not_left_frozen(make, monkeypatch):
    monkeypatch.setattr('pneumo_fastai.training.learner.start', lambda net, experiment: None)
    learn, e = make(weights='x', freeze_epochs=1)
    class Stop(Callback):
        def before_step(self): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt): train(learn, e, first=[Stop()])
    assert all(p.requires_grad for p in learn.model.parameters())


def test_a_head_alone_makes_no_sense_on_random_weights():
    with pytest.raises(InputError, match='freeze_epochs lets the head learn on what the network knows already'): Experiment(freeze_epochs=1)
    assert Experiment(freeze_epochs=1, weights='imagenet').lr_mult == 1
