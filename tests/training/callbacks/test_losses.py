import numpy as np
import pytest
import torch
from fastai.callback.core import Callback
from fastai.learner import AvgLoss, AvgSmoothLoss

from pneumo_fastai.training.callbacks.losses import SmoothLoss


def test_the_smooth_loss_is_fastais(make):
    class Theirs(Callback):
        def before_fit(self): self.of, self.seen = AvgSmoothLoss(), []
        def after_batch(self):
            if self.training:
                self.of.accumulate(self.learn)
                self.seen.append(self.of.value)

    learn, e = make()
    theirs = Theirs()
    learn.fit(1, e.lr, cbs=theirs)
    assert isinstance(learn.recorder.smooth_loss, SmoothLoss)
    assert torch.equal(torch.stack(theirs.seen), torch.stack(learn.recorder.losses)) and len(theirs.seen) == len(learn.dls.train)


def test_the_mean_loss_is_fastais(make):
    class Theirs(Callback):
        def before_validate(self): self.of.reset()
        def after_batch(self):
            if not self.training: self.of.accumulate(self.learn)

    learn, e = make(batch_size=6)
    theirs = Theirs()
    theirs.of = AvgLoss()
    learn.fit(1, e.lr, cbs=theirs)
    assert learn.recorder.values[-1][1] == theirs.of.value.item()


@pytest.mark.parametrize('loss', ['cross_entropy', 'focal'])
def test_the_weighted_loss_of_valid_does_not_depend_on_its_batches(make, loss):
    learn, e = make(batch_size=2, class_weights='balanced', loss=loss)
    learn.fit(1, e.lr)
    got = learn.recorder.values[-1][1]
    probability, label = (o.double().numpy() for o in learn.get_preds())
    weight = learn.loss_func.weight.double().numpy()[label.astype(int)]
    p = np.where(label, probability[:, 1], probability[:, 0])
    of_each = -np.log(p) * (1 - p)**(2 if loss == 'focal' else 0)
    assert len(label) > 8 and weight.std() > 0.1  # several batches, of other shares of the classes
    assert got == pytest.approx((weight * of_each).sum() / weight.sum(), rel=1e-5)
