"An early end, and what the run says of it."
import pandas as pd
import pytest
from fastai.callback.core import Callback
from fastai.callback.progress import CSVLogger

from pneumo_fastai.training.learner import train


class Say(Callback):
    "Puts these in the place of the AUROCs that are measured."
    order = 55  # after the Recorder, before those that keep or write
    def __init__(self, values): self.values = values
    def after_epoch(self): self.recorder.values[-1][-1] = self.values[self.epoch]


class Late(Callback):
    order = 80
    epochs = 0
    def after_epoch(self): Late.epochs += 1


@pytest.mark.parametrize(('patience', 'epochs'), [(1, 3), (2, 6), (0, 7)])
def test_the_fit_ends_after_so_many_epochs_without_a_better_one(make, tmp_path, patience, epochs, capsys):
    learn, e = make(epochs=7, patience=patience)
    Late.epochs = 0
    train(learn, e, cbs=[CSVLogger(), Say([.6, .7, .7, .8, .75, .79, .9]), Late()])
    history = pd.read_csv(tmp_path/'history.csv')
    assert len(history) == len(learn.recorder.values) == Late.epochs == epochs  # the last one too
    assert history.epoch.tolist() == list(range(epochs))
