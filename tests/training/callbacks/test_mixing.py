"The loss of mixed images, and what a mixed batch is made of."
import numpy as np
import pytest
import torch
from fastai.callback.core import Callback

from pneumo_fastai.training.callbacks.compiled import CompiledStep
from pneumo_fastai.training.callbacks.mixing import TwoLabels

BOTH = pytest.mark.parametrize('how', [dict(mixup=.4), dict(cutmix=1.)], ids=lambda how: next(iter(how)))


class Before(Callback):
    "Before the images are mixed."
    order = -25
    def before_batch(self): self.x0, self.y0 = self.x.clone(), self.y.clone()


class After(Callback):
    "What was mixed, and the loss of it."
    order = -15
    def __init__(self): self.seen = []
    def after_pred(self):
        if not self.training: return
        mixing = next(cb for cb in self.learn.cbs if isinstance(cb, TwoLabels))
        self.labels, self.lam = mixing.yb1[0].clone(), mixing.lam.clone()
    def after_loss(self):
        each = [t.detach().as_subclass(torch.Tensor) for t in (self.pred, self.loss, self.loss_grad, self.y)]
        self.seen.append((self.training, *each, *([self.labels, self.lam] if self.training else [])))


def by_hand(logits, a, b, lam, weight, smoothing=0.):
    "The losses of both labels by their shares, over their weights by the same, in double precision."
    p = logits.double().softmax(1).numpy()
    w = np.ones(2) if weight is None else weight.double().numpy()
    def loss(y): return -(1 - smoothing)*w[y]*np.log(p[range(len(y)), y]) - smoothing*(w*np.log(p)).mean(1)
    lam = np.broadcast_to(lam.double().numpy(), len(a))
    return (lam*loss(b) + (1 - lam)*loss(a)).sum() / (lam*w[b] + (1 - lam)*w[a]).sum()


@BOTH
@pytest.mark.parametrize('more', [{}, dict(class_weights='balanced'), dict(class_weights='balanced', label_smoothing=.1),
                                  dict(precision='bfloat16')])
def test_a_steps_loss_is_the_weighted_mean_over_both_labels_and_valid_is_untouched(make, how, more):
    learn, e = make(**how, **more)
    after = After()
    learn.fit(2, e.lr, cbs=after)
    steps, valid = [o[1:] for o in after.seen if o[0]], [o[1:] for o in after.seen if not o[0]]
    assert len(steps) == 2 * len(learn.dls.train)
    for pred, loss, loss_grad, y, other, lam in steps:
        want = by_hand(pred, other.numpy(), y.numpy(), lam, learn.loss_func.weight, e.label_smoothing)
        assert loss.item() == loss_grad.item() == pytest.approx(want, rel=1e-5)
    for pred, loss, _, y in valid: assert loss.item() == learn.loss_func(pred, y).item()
    smooth = [sum(.98**(n - i) * o[1].item() for i, o in enumerate(steps[:n + 1])) * .02 / (1 - .98**(n + 1)) for n in range(len(steps))]
    assert [o.item() for o in learn.recorder.losses] == pytest.approx(smooth, rel=1e-5)
    assert learn.loss_func.reduction == 'mean'


@BOTH
def test_the_images_are_mixtures_by_the_shares_of_the_labels(make, how):
    learn, e = make(**how)
    before = Before()
    class Look(Callback):
        order = -15
        def before_batch(self):
            if not self.training: return
            mixing, x0, x = learn.mix_up if e.mixup else learn.cut_mix, before.x0, self.x
            assert torch.equal(before.y0, self.y)
            x0, x = (t.as_subclass(torch.Tensor) for t in (x0, x))
            if e.cutmix: assert ((x == x0).float().mean((1, 2, 3)) >= mixing.lam - 1e-6).all() and (x != x0).any()
            for lam, mixed, own, label in zip(mixing.lam, x, x0, mixing.yb1[0], strict=True) if e.mixup else ():
                off = (lam * own + (1 - lam) * x0 - mixed).abs().amax((1, 2, 3))  # from a mixture with each image of the batch
                assert off.min() < 1e-5 and self.y[off.argmin()] == label
            Look.ran = True

    learn.fit(1, e.lr, cbs=[before, Look()])
    assert Look.ran


@BOTH
def test_lr_find_an_interruption_and_export_find_the_learners_own_loss(make, how, tmp_path):
    learn, e = make(**how)
    loss = learn.loss_func
    learn.lr_find(num_it=4, show_plot=False)
    class Stop(Callback):
        def before_step(self): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt): learn.fit(1, e.lr, cbs=Stop())
    assert learn.loss_func is loss
    learn.export('learner.pkl')
    assert learn.validate()[0] > 0


def test_mixing_works_through_a_compiled_step(make):
    def trained(*cbs):
        learn, e = make(mixup=.4)
        learn.add_cbs(cbs)
        learn.fit(2, e.lr)
        return torch.cat([p.detach().flatten() for p in learn.model.parameters()])

    try: assert torch.equal(trained(), trained(CompiledStep(backend=lambda graph, inputs: graph.forward)))
    finally: torch.compiler.reset()
