from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch

from pneumo_fastai.experiment import Experiment
from pneumo_fastai.models.losses import LOSSES, CrossEntropy, Focal, loss_of
from pneumo_fastai.recipe import Loss

WEIGHT = [0.4, 2.5]


def drawn(n=50, classes=2, dtype=torch.float32):
    g = torch.Generator().manual_seed(0)
    return (3 * torch.randn(n, classes, generator=g)).to(dtype), torch.randint(0, classes, (n,), generator=g)


def by_hand(logits, labels, weight, gamma=0., smoothing=0.):
    "The loss in double precision, written out, and its slope in each logit, by finite differences."
    x, k = logits.double().numpy(), np.arange(len(labels))
    w = np.ones(x.shape[1]) if weight is None else np.array(weight)
    def loss(x):
        log_p = x - np.log(np.exp(x).sum(1, keepdims=True))
        of_label = log_p[k, labels]
        each = -w[labels] * (1 - np.exp(of_label))**gamma * of_label
        even = -(w * log_p).sum(1) / x.shape[1]
        return ((1 - smoothing) * each + smoothing * even).sum() / w[labels].sum()
    slope, h = np.zeros_like(x), 1e-6
    for at in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[at] = h
        slope[at] = (loss(x + step) - loss(x - step)) / (2*h)
    return loss(x), slope


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('weight', [None, WEIGHT])
@pytest.mark.parametrize(('made', 'how'), [
    (CrossEntropy, {}), (CrossEntropy, dict(smoothing=.1)), (Focal, dict(gamma=0.)), (Focal, dict(gamma=.5)), (Focal, dict(gamma=2.))])
def test_a_loss_and_its_gradient_are_the_formula_in_float32_whatever_the_logits_are(made, how, weight, dtype):
    logits, labels = drawn(dtype=dtype)
    options = {dict(smoothing='label_smoothing', gamma='focal_gamma')[k]: v for k, v in how.items()}
    want, slope = by_hand(logits, labels, weight, **how)
    logits.requires_grad_()
    loss = made(weight, **options)(logits, labels)
    loss.backward()
    assert loss.dtype == torch.float32 and loss.item() == pytest.approx(want, rel=1e-5)
    rough = dict(rtol=1e-2, atol=1e-4) if dtype == torch.bfloat16 else dict(rtol=1e-4, atol=1e-6)  # a gradient is of its logits' type
    np.testing.assert_allclose(logits.grad.double().numpy(), slope, **rough)


def test_it_is_torchs_cross_entropy():
    logits, labels = drawn()
    for w in (None, WEIGHT):
        for reduction in ('mean', 'none', 'sum'):
            theirs = torch.nn.CrossEntropyLoss(None if w is None else torch.tensor(w), reduction=reduction, label_smoothing=.2)
            torch.testing.assert_close(CrossEntropy(w, reduction, .2)(logits, labels), theirs(logits, labels))


def test_focal_with_gamma_0_is_cross_entropy_for_three_classes_too():
    logits, labels = drawn(classes=3)
    for reduction in ('mean', 'none', 'sum'):
        torch.testing.assert_close(Focal([1, 2, 3], reduction, 0.)(logits, labels), CrossEntropy([1, 2, 3], reduction)(logits, labels))
    want, _ = by_hand(logits, labels, [1, 2, 3], gamma=1.5)
    assert Focal([1, 2, 3], focal_gamma=1.5)(logits, labels).item() == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize('gamma', [0, .1, .5, 1, 2, 10])
@pytest.mark.parametrize('far', [20., 100., 1e4])
def test_focal_is_sound_where_the_network_is_sure(gamma, far):
    "At p = 1 to the last digit of a float the factor (1 - p)^gamma has no slope that a float can hold, for gamma below 1."
    logits = torch.tensor([[far, -far], [-far, far]], requires_grad=True)
    each = Focal(reduction='none', focal_gamma=gamma)(logits, torch.tensor([0, 0]))
    each.sum().backward()
    assert each[0] == 0 and each[1].item() == pytest.approx(2 * far)
    torch.testing.assert_close(logits.grad, torch.tensor([[0., 0.], [-1., 1.]]))  # right: nothing to learn; wrong: as cross-entropy


@pytest.mark.parametrize('name', LOSSES)
def test_the_mean_is_over_the_weights_and_every_loss_says_their_sum(name):
    logits, labels = drawn()
    loss = loss_of(replace(Experiment(), loss=name), WEIGHT)
    assert loss.mass(labels).item() == pytest.approx(np.array(WEIGHT)[labels].sum()) == loss.weigh(labels).sum().item()
    assert loss_of(replace(Experiment(), loss=name)).mass(labels) == 50
    loss.reduction = 'none'
    each = loss(logits, labels)
    assert each.shape == (50,)
    loss.reduction = 'mean'
    torch.testing.assert_close(loss(logits, labels), each.sum() / loss.mass(labels))
    torch.testing.assert_close(loss.activation(logits).sum(1), torch.ones(50))
    assert torch.equal(loss.decodes(logits), logits.argmax(1))


def test_each_loss_of_the_recipe_is_there_with_its_fields():
    assert tuple(LOSSES) == get_args(Loss.__annotations__['loss'])
    assert loss_of(Experiment(label_smoothing=.1)).label_smoothing == .1
    assert loss_of(Experiment(loss='focal', focal_gamma=3.)).focal_gamma == 3
