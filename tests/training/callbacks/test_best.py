import pandas as pd
import torch
from fastai.callback.core import Callback

from pneumo_fastai.training.callbacks.history import History
from pneumo_fastai.training.learner import train


def test_the_best_weights_by_auroc_are_reloaded_and_history_is_written_as_it_goes(make, tmp_path):
    learn, e = make(epochs=4, lr=3e-3)
    kept = []

    class Watch(Callback):
        order = 99
        def after_epoch(self):
            kept.append({k: v.clone() for k, v in self.model.state_dict().items()})
            assert len(pd.read_csv(tmp_path/'history.csv')) == self.epoch + 1

    train(learn, e, cbs=[History(tmp_path/'history.csv'), Watch()])
    history = pd.read_csv(tmp_path/'history.csv')
    best = kept[int(history.auroc.argmax())]
    assert all(torch.equal(v, best[k]) for k, v in learn.model.state_dict().items())
    assert len(history) == 4 and history.notna().all().all()
