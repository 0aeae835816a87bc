import pytest
import torch
from fastai.callback.core import Callback

from pneumo_fastai.errors import InputError
from pneumo_fastai.training.callbacks.non_finite import StopOnNonFinite


def test_losses_looked_at_a_few_together_name_the_first_that_is_not_a_number(make):
    class Break(Callback):
        order = -8
        def __init__(self, at): self.at = at
        def after_loss(self):
            if self.training and self.iter >= self.at: self.learn.loss_grad = self.loss_grad * float('nan')

    for at in range(6):
        learn, e = make(batch_size=8)
        assert len(learn.dls.train) == 6
        next(cb for cb in learn.cbs if isinstance(cb, StopOnNonFinite)).every = 4  # the last two are looked at when the epoch ends
        with pytest.raises(InputError, match=f'^the loss is nan at epoch 0, step {at} of 6;'): learn.fit(1, e.lr, cbs=Break(at))


def test_a_loss_that_is_not_a_number_stops_and_names_the_step(make):
    learn, e = make()
    with torch.no_grad(): learn.model[-1].weight.fill_(float('nan'))
    with pytest.raises(InputError, match=r'^the loss is nan at epoch 0, step 0 of \d+; a lower --lr than 0\.001 or'): learn.fit(1, e.lr)
