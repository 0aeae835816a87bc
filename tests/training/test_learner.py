import random
from dataclasses import replace
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from fastai.callback.core import Callback
from fastai.callback.progress import CSVLogger
from fastai.interpret import ClassificationInterpretation
from fastai.learner import AvgLoss, AvgSmoothLoss
from matplotlib import pyplot as plt
from sklearn import metrics as sk

from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import ARCHITECTURES
from pneumo_fastai.explain.gradcam import show_gradcam
from pneumo_fastai.models.zoo import build
from pneumo_fastai.training.callbacks.best import BestModel
from pneumo_fastai.training.callbacks.losses import SmoothLoss
from pneumo_fastai.training.callbacks.non_finite import StopOnNonFinite
from pneumo_fastai.training.learner import get_learner, start_at, train
from pneumo_fastai.training.loaders import get_dls, split_dl
from pneumo_fastai.training.schedules import schedule


@pytest.fixture
def make(tiny, cohort, tmp_path):
    def make(**changes):
        e = replace(tiny, **changes)
        learn = get_learner(e, get_dls(e, cohort), path=tmp_path)
        learn.remove_cb(learn.progress)
        learn.logger = lambda _: None
        return learn, e
    return make


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


def test_the_metric_suite_is_scikit_learns_on_the_whole_validation_set(make):
    learn, e = make(epochs=1)
    learn.fit(1, e.lr)
    got = dict(zip(learn.recorder.metric_names[1:-1], learn.recorder.values[-1], strict=True))
    p, y = (t.numpy() for t in learn.get_preds(dl=split_dl(learn.dls, 'valid')))
    p, called = p[:, 1], p[:, 1] >= 0.5
    want = dict(accuracy=sk.accuracy_score(y, called), recall=sk.recall_score(y, called),
                specificity=sk.recall_score(y, called, pos_label=0), f1=sk.f1_score(y, called), auroc=sk.roc_auc_score(y, p))
    if called.any(): want['precision'] = sk.precision_score(y, called)
    assert set(got) == {'train_loss', 'valid_loss', 'accuracy', 'precision', 'recall', 'specificity', 'f1', 'auroc'}
    for k, v in want.items(): assert got[k] == pytest.approx(v), k


def test_the_best_weights_by_auroc_are_reloaded_and_history_is_written_as_it_goes(make, tmp_path):
    learn, e = make(epochs=4, lr=3e-3)
    kept = []

    class Watch(Callback):
        order = 99
        def after_epoch(self):
            kept.append({k: v.clone() for k, v in self.model.state_dict().items()})
            assert len(pd.read_csv(tmp_path/'history.csv')) == self.epoch + 1

    train(learn, e, cbs=[CSVLogger(), Watch()])
    history = pd.read_csv(tmp_path/'history.csv')
    best = kept[int(history.auroc.argmax())]
    assert all(torch.equal(v, best[k]) for k, v in learn.model.state_dict().items())
    assert len(history) == 4 and history.notna().all().all()


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


def test_what_is_measured_at_each_step_never_leaves_its_device(make):
    "A tensor of the device 'meta' has no numbers: whoever asks for one raises."
    learn, _ = make()
    learn.pred, learn.loss = torch.empty(4, 2, device='meta'), torch.empty((), device='meta')
    learn.xb, learn.yb = (None,), (torch.empty(4, dtype=torch.long, device='meta'),)
    for measure in (*learn.metrics, learn.recorder.loss, learn.recorder.smooth_loss):
        measure.reset()
        for _ in range(3): measure.accumulate(learn)
    assert learn.metrics[0].preds[-1].is_meta and learn.recorder.loss.value.is_meta and learn.recorder.smooth_loss.val.is_meta


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


def test_free_memory_goes_back_every_so_many_steps_of_training_however_short_the_epochs(make, monkeypatch):
    learn, e = make()
    given, learn.give_back.every = [], 2
    def note(): given.append((learn.epoch, learn.iter, learn.training))
    monkeypatch.setattr('pneumo_fastai.training.callbacks.memory.give_back', note)
    learn.fit(2, e.lr)
    assert len(learn.dls.train) == 3 and [o for o in given if o[2]] == [(0, 1, True), (1, 0, True), (1, 2, True)]
    assert len(given) == 5  # and after each epoch


def test_a_loss_that_is_not_a_number_stops_and_names_the_step(make):
    learn, e = make()
    with torch.no_grad(): learn.model[-1].weight.fill_(float('nan'))
    with pytest.raises(InputError, match=r'^the loss is nan at epoch 0, step 0 of \d+; a lower --lr than 0\.001 or'): learn.fit(1, e.lr)


def states(learn):
    "A copy of everything that a further step depends on."
    optimiser = [torch.as_tensor(v).clone() for of_one in learn.opt.state_dict()['state'].values() for v in of_one.values()]
    return [*(v.clone() for v in learn.model.state_dict().values()), *optimiser, torch.get_rng_state()]


def test_lr_find_leaves_everything_as_it_was(make):
    def after(find):
        learn, e = make(flip=0.5, rotate=10.)
        learn.fit(1, e.lr)
        if find:
            before, python, numpy = states(learn), random.getstate(), np.random.get_state()[1].tolist()
            suggestion = learn.lr_find(num_it=60, show_plot=False)
            assert 1e-7 < suggestion.valley < 10
            assert all(torch.equal(a, b) for a, b in zip(before, states(learn), strict=True))
            assert random.getstate() == python and np.random.get_state()[1].tolist() == numpy
        learn.fit(1, e.lr)
        return [v.item() for v in learn.recorder.losses], learn.model[-1].weight.detach().clone()
    (a, wa), (b, wb) = after(False), after(True)
    assert a == b and torch.equal(wa, wb)


def test_bfloat16_trains_alike_and_whatever_is_measured_is_float32(make):
    "The epoch is chosen by the AUROC that is reported."
    dtypes = set()
    learn, e = make(precision='bfloat16', epochs=1)
    learn.model[3].register_forward_hook(lambda m, i, o: dtypes.add((learn.model.training, o.dtype)))
    learn.fit(1, e.lr)
    assert dtypes == {(True, torch.bfloat16), (False, torch.float32)}
    chosen_by = dict(zip(learn.recorder.metric_names[1:], learn.recorder.values[-1], strict=False))['auroc']
    plain, _ = make(epochs=1)
    plain.fit(1, e.lr)
    assert learn.recorder.losses[0].item() == pytest.approx(plain.recorder.losses[0].item(), rel=0.02)
    dtypes.clear()
    probability, label = learn.get_preds()
    assert chosen_by == sk.roc_auc_score(label, probability[:, 1])
    one = torch.cat([learn.get_preds(dl=learn.dls.test_dl([p]))[0] for p in learn.dls.valid.items.path[:4]])
    torch.testing.assert_close(one, learn.get_preds(dl=learn.dls.test_dl(list(learn.dls.valid.items.path[:4])))[0], atol=1e-5, rtol=0)
    assert dtypes == {(False, torch.float32)} and not torch.is_autocast_enabled('cpu')


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
