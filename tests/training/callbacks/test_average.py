"The moving average of the weights."
import pytest
import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.learner import load_learner

from pneumo_fastai.training.callbacks.average import WeightAverage
from pneumo_fastai.training.learner import train


def state(learn): return {k: v.clone() for k, v in learn.model.state_dict().items()}
def same(a, b): return all(torch.equal(v, b[k]) for k, v in a.items())


class Watch(Callback):
    "The weights after each step, in each validation and after each epoch."
    order = 99
    def __init__(self): self.steps, self.valid, self.ends = [], [], []
    def after_step(self): self.steps.append(state(self.learn))
    def after_validate(self): self.valid.append(state(self.learn))
    def after_epoch(self): self.ends.append(state(self.learn))


def by_hand(steps, decay):
    "The average after each step, in double precision."
    out = []
    for n, step in enumerate(steps):
        d = min(decay, (1 + n)/(10 + n)) if n else 0
        out.append({k: d*out[-1][k] + (1 - d)*v.double() if n else v.double() for k, v in step.items() if v.is_floating_point()})
    return out


@pytest.mark.parametrize('decay', [.5, .99])
def test_what_is_measured_is_the_average_by_the_formula_and_training_goes_on_from_its_own_weights(make, decay):
    plain, e = make(epochs=5)
    own = Watch()
    plain.fit(5, e.lr, cbs=own)
    learn, _ = make(epochs=5)
    seen = Watch()
    learn.fit(5, e.lr, cbs=[WeightAverage(decay), seen])
    assert len(seen.steps) == 15 and all(same(a, b) for a, b in zip(seen.steps, own.steps, strict=True))
    averages = by_hand(seen.steps, decay)[2::3]
    for got, want in zip(seen.valid, averages, strict=True):
        for k, v in want.items(): torch.testing.assert_close(got[k].double(), v, rtol=1e-5, atol=1e-6)
    assert same(seen.valid[-1], state(learn)) and not same(seen.steps[-1], state(learn))
    assert all(same(a, b) for a, b in zip(seen.valid, seen.ends, strict=True))  # what WatchGradCAM draws
    assert learn.validate()[1:] == learn.recorder.values[-1][1:]


def test_the_best_epochs_average_is_kept(make):
    learn, e = make(epochs=4, ema=.9, lr=3e-3)
    seen = Watch()
    train(learn, e, cbs=[seen])
    best = max(range(4), key=lambda i: learn.recorder.values[i][-1])
    assert same(seen.valid[best], state(learn))
    assert learn.validate()[-1] == max(v[-1] for v in learn.recorder.values)


@pytest.mark.parametrize('event', ['before_step', 'after_validate', 'after_epoch'])
@pytest.mark.parametrize('error', [KeyboardInterrupt, CancelFitException])
def test_an_interrupted_learner_has_weights_predicts_and_can_be_exported_and_trained_on(make, tmp_path, event, error):
    learn, e = make(ema=.9)
    class Stop(Callback):
        order = 95
        def __call__(self, name):
            if name == event and self.epoch == 1: raise error
    def fit(): train(learn, e, cbs=[Stop()])
    if error is KeyboardInterrupt:
        with pytest.raises(KeyboardInterrupt): fit()
    else: fit()
    assert not any(isinstance(cb, WeightAverage) for cb in learn.cbs)
    path, kept = learn.dls.cohort.table.path[0], state(learn)
    want = learn.predict(path)[2]
    assert same(kept, state(learn))
    learn.export('learner.pkl')
    with pytest.warns(UserWarning, match='insecure pickle'): again = load_learner(tmp_path/'learner.pkl')
    with again.no_bar(): torch.testing.assert_close(again.predict(path)[2], want)
    train(learn, e)


def test_one_that_stays_in_the_learner_can_be_pickled_leaves_lr_find_alone_and_starts_each_fit_anew(make, tmp_path):
    learn, e = make()
    learn.add_cb(WeightAverage(.9))
    before = state(learn)
    learn.lr_find(num_it=4, show_plot=False)
    learn.validate()
    assert same(before, state(learn))
    class Stop(Callback):
        def before_step(self): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt): learn.fit(1, e.lr, cbs=Stop())
    learn.export('learner.pkl')
    learn.fit(1, e.lr)
    assert learn.weight_average.average is None


def test_a_step_fetches_no_number_for_which_a_gpu_would_wait(make, monkeypatch):
    learn, e = make(epochs=1)
    def fetched(tensor): raise AssertionError('fetched')
    class Around(Callback):
        order = 14
        def after_step(self): monkeypatch.setattr(torch.Tensor, '__int__', fetched)
    class After(Callback):
        order = 16
        def after_step(self): monkeypatch.undo()
    learn.fit(1, e.lr, cbs=[Around(), WeightAverage(.9), After()])
