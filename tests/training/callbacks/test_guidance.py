from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from fastai.callback.core import Callback
from fastai.interpret import ClassificationInterpretation
from fastai.learner import Learner, load_learner
from torch import nn

from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.data.prepare import prepare
from pneumo_fastai.errors import InputError
from pneumo_fastai.explain.gradcam import GradCAM, scaled, show_gradcam
from pneumo_fastai.explain.localization import energy
from pneumo_fastai.models import zoo
from pneumo_fastai.models.architectures.resnet18 import ResNet18
from pneumo_fastai.training.callbacks.compiled import CompiledStep
from pneumo_fastai.training.callbacks.guidance import class_map, outside
from pneumo_fastai.training.learner import get_learner
from pneumo_fastai.training.loaders import box_masks, get_dls, split_dl


class Maps(nn.Module):
    "Ends as ResNet18 does, with maps of 8 x 8 places for 64 x 64 pixels."
    def __init__(self):
        super().__init__()
        layers = [nn.Conv2d(1, 16, 5, 4, 2), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU()]
        self.maps, self.avgpool, self.fc = nn.Sequential(*layers), nn.AdaptiveAvgPool2d(1), nn.Linear(16, 2)

    def features(self, x): return self.maps(x)
    def head(self, maps): return self.fc(self.avgpool(maps).flatten(1))
    def forward(self, x): return self.head(self.features(x))


@pytest.fixture
def guided(tiny, monkeypatch):
    monkeypatch.setattr(zoo, 'maker', lambda arch: Maps)
    return replace(tiny, size=64, batch_size=8, epochs=1, box_guidance=1.)


@pytest.fixture(scope='module')
def boxed(films, tmp_path_factory):
    "The films with the box of their bright patch, as a manifest."
    table = read_cohort(films).table
    boxes = [[[8., 10., 16., 20.]] if y else [] for y in table.label]
    return replace(read_cohort(films), table=table.assign(boxes=boxes))


def test_the_class_map_is_the_evidence_of_the_logit_and_what_gradcam_draws():
    torch.manual_seed(0)
    model, x = ResNet18(output_stride=16).eval(), torch.randn(2, 1, 64, 64)
    maps, logits = model.features(x), model(x)
    heat = class_map(maps, model.head)
    torch.testing.assert_close(heat, torch.einsum('nchw,c->nhw', maps, model.fc.weight[1]))  # the definition, by hand
    torch.testing.assert_close(heat.mean((1, 2)) + model.fc.bias[1], logits[:, 1])
    with GradCAM(model) as cam: torch.testing.assert_close(scaled(F.relu(heat)), cam.maps(x)[0])


def test_outside_is_the_entropy_of_the_boxes_for_a_map_that_is_even_there_and_log_of_the_places_for_a_flat_one():
    masks = torch.zeros(3, 8, 8)
    masks[:, :4, :4] = 1
    labels, flat = torch.tensor([1, 1, 1]), torch.zeros(3, 4, 4)
    assert outside(flat, masks, labels).item() == pytest.approx(np.log(16))
    inside = torch.full((3, 4, 4), -50.)
    inside[:, :2, :2] = 0
    assert outside(inside, masks, labels).item() == pytest.approx(np.log(4))
    torch.testing.assert_close(outside(inside + 7, masks, labels), outside(inside, masks, labels))


def test_images_without_pneumonia_or_boxes_count_nothing():
    masks = torch.zeros(4, 8, 8)
    masks[:2, :4, :4] = 1
    heat = torch.randn(4, 4, 4, requires_grad=True)
    loss = outside(heat, masks, torch.tensor([1, 0, 1, 0]))
    torch.testing.assert_close(loss, outside(heat[:1], masks[:1], torch.tensor([1])) / 4)
    loss.backward()
    assert heat.grad[0].abs().sum() > 0 and not heat.grad[1:].any()
    assert outside(heat[2:], masks[2:], torch.tensor([1, 0])).item() == 0


def test_masks_move_with_their_images(guided, boxed, tmp_path):
    "The mean brightness inside a mask that was augmented with its film stays that of the patch."
    dls = get_dls(replace(guided, flip=.5, rotate=20., crop=.7), boxed, tmp_path)
    dls.train.masked = True
    x, y, masks = (torch.cat([t.as_subclass(torch.Tensor) for t in batches]) for batches in zip(*dls.train, strict=True))
    assert masks.shape == (len(y), 64, 64) and x.shape == (len(y), 1, 64, 64)
    x = x[:, 0]
    assert set(masks.unique().tolist()) == {0, 1} and not masks[y == 0].any()
    for film, mask in zip(x[y == 1], masks[y == 1], strict=True): assert film[mask == 1].mean() > film[mask == 0].mean() + 1
    assert len(torch.unique(masks[y == 1], dim=0)) == (y == 1).sum()  # no two turned alike


def test_masks_come_only_when_asked_for_and_for_one_epoch(guided, boxed, tmp_path):
    train = get_dls(guided, boxed, tmp_path).train
    assert len(train.one_batch()) == 2
    for dl in (train, train.new(bs=4)):
        dl.masked = True
        batches = iter(dl)
        assert len(next(batches)) == 3 and not dl.masked and len(dl.one_batch()) == 2  # also while that epoch goes on


def test_an_image_outside_the_cache_has_its_mask_too(guided, boxed, tmp_path):
    train = get_dls(guided, boxed, tmp_path).train
    train.dataset.tls[0].tfms.fs[-1].pixels = None
    train.masked = True
    assert [len(b) for b in train] == [3] * len(train)


def test_guidance_moves_the_maps_of_unseen_films_into_the_boxes(guided, boxed, tmp_path):
    def left_out(weight):
        e = replace(guided, box_guidance=weight)
        learn = get_learner(e, get_dls(e, boxed, tmp_path))
        with learn.no_bar(), learn.no_logging(): learn.fit(10, 1e-2)
        rows = learn.dls.cohort.table.query('split == "test" and label == 1')
        x = torch.cat([b[0] for b in learn.dls.test_dl(rows)]).as_subclass(torch.Tensor)
        masks = box_masks(e, learn.dls.cohort, rows).as_subclass(torch.Tensor)
        heat = class_map(learn.model.eval().features(x), learn.model.head)
        return outside(heat, masks, torch.ones(len(rows))).item(), energy(show_gradcam(learn, list(rows.path))[1][0], masks[0].numpy() == 1)

    (with_boxes, inside), (without, less_inside) = left_out(1.), left_out(0.)
    assert with_boxes < without - .5 and inside > less_inside


def test_only_the_gradient_has_it_the_loss_that_is_shown_is_the_cross_entropy_and_no_hook_stays(guided, boxed, tmp_path):
    learn = get_learner(guided, get_dls(guided, boxed, tmp_path), path=tmp_path)
    class Look(Callback):
        seen = []
        def after_loss(self):
            plain = F.cross_entropy(self.pred, *self.yb).item()
            assert self.loss.item() == pytest.approx(plain, rel=1e-5)
            self.seen.append((self.training, self.loss_grad.item() > plain + .1, self.loss_grad.item() == self.loss.item()))

    with learn.no_bar(), learn.no_logging(): learn.fit(1, 1e-4, cbs=Look())
    assert set(Look.seen) == {(True, True, False), (False, False, True)}
    assert 'head' not in vars(learn.model)


def test_dropout_in_the_head_draws_as_without_guidance_and_is_out_of_the_map(guided, boxed, tmp_path, monkeypatch):
    "The same seed gives the same weights, and the random numbers of dropout are those of a run that is not guided."
    class Dropping(Maps):
        def head(self, maps): return self.fc(F.dropout(self.avgpool(maps).flatten(1), .5, self.training))
    monkeypatch.setattr(zoo, 'maker', lambda arch: Dropping)
    asked = []
    def noted(maps, head): return asked.append(head.__self__.training) or class_map(maps, head)
    monkeypatch.setattr('pneumo_fastai.training.callbacks.guidance.class_map', noted)
    def trained(weight):
        e = replace(guided, box_guidance=weight)
        learn = get_learner(e, get_dls(e, boxed, tmp_path), path=tmp_path)
        with learn.no_bar(), learn.no_logging(): learn.fit(1, 1e-3)
        return learn.model.fc.weight, torch.get_rng_state()
    (a, _), (b, random), (plain, as_plain) = trained(1.), trained(1.), trained(0.)
    assert torch.equal(a, b) and not torch.equal(a, plain) and torch.equal(random, as_plain)
    assert asked and not any(asked)


def test_a_body_that_is_frozen_has_class_maps_too():
    torch.manual_seed(0)
    model, x = ResNet18().eval(), torch.randn(2, 1, 64, 64)
    want = class_map(model.features(x), model.head)
    for p in model.parameters(): p.requires_grad_(p is model.fc.weight)
    heat = class_map(model.features(x), model.head)
    torch.testing.assert_close(heat, want)
    heat.sum().backward()
    assert model.fc.weight.grad.any()


def test_a_notebook_finds_no_surprise(guided, boxed, tmp_path, monkeypatch):
    monkeypatch.setattr('matplotlib.pyplot.show', lambda *a, **k: None)
    learn = get_learner(guided, get_dls(guided, boxed, tmp_path), path=tmp_path)
    with learn.no_bar(), learn.no_logging():
        learn.lr_find(num_it=4, show_plot=False)
        learn.fit(1, 1e-4)
        probabilities, labels = learn.get_preds(dl=split_dl(learn.dls, 'test'))
        assert torch.is_tensor(labels) and len(labels) == len(probabilities)
        learn.dls.show_batch()
        learn.show_results()
        learn.show_results(ds_idx=0)
        learn.validate()
        learn.validate(ds_idx=0)
        learn.dls.decode_batch(learn.dls.one_batch())
        assert len(ClassificationInterpretation.from_learner(learn, ds_idx=0).top_losses(3)[0]) == 3
        Learner(learn.dls, Maps(), loss_func=nn.CrossEntropyLoss()).fit(1)
        path = learn.dls.cohort.table.path[0]
        want = learn.predict(path)[2]
        learn.export('learner.pkl')
        with pytest.warns(UserWarning, match='insecure pickle'): again = load_learner(tmp_path/'learner.pkl')
        with again.no_bar(): torch.testing.assert_close(again.predict(path)[2], want)


def test_labels_dealt_out_at_random_take_their_boxes_with_them(guided, boxed, tmp_path):
    dls = get_dls(replace(guided, shuffle_labels=True), boxed, tmp_path)
    items = dls.train.dataset.items
    assert (items.label == items.boxes.map(bool)).all()
    plain = get_dls(guided, boxed, tmp_path).train.dataset.items
    assert (items.label.to_numpy() != plain.label.to_numpy()).any()


def test_data_without_boxes_are_told_so(guided, films, tmp_path):
    with pytest.raises(InputError, match="readers' boxes, and films has none in train; take guided_by labels, or set"):
        prepare(read_cohort(films), guided, tmp_path)


def test_labels_alone_teach_where_images_differ(guided, films, tmp_path):
    "The films' patch is where the classes differ; nobody drew a box."
    dls = get_dls(replace(guided, guided_by='labels'), read_cohort(films), tmp_path)
    assert any('not boxes' in note for note in dls.cohort.notes)
    rows = dls.train.dataset.items.query('label == 1')
    masks = dls.train.masks(rows)
    box = box_masks(guided, dls.cohort, rows.assign(boxes=[[[8., 10., 16., 20.]]]*len(rows)))
    assert masks.shape == box.shape and masks.dtype == box.dtype
    assert (masks & box).sum() / masks.sum() > .5 > 2*box.float().mean()


def test_loaders_without_boxes_are_told_so(guided, boxed, tmp_path):
    learn = get_learner(guided, get_dls(replace(guided, box_guidance=0.), boxed, tmp_path))
    with learn.no_bar(), learn.no_logging(), pytest.raises(InputError, match='the batches have no boxes'): learn.fit(1, 1e-4)


def test_how_many_images_have_boxes_is_noted_once(guided, boxed, tmp_path):
    folds = replace(guided, folds=3)
    cohort = prepare(boxed, folds, tmp_path)
    positives = (cohort.table.label == 1).sum()
    note = f'heatmaps are taught boxes, which {positives} of the {positives} images with pneumonia have'
    assert [o for o in prepare(cohort, folds, fold=2).notes if 'taught' in o] == [note]


def test_a_compiled_step_is_taught_the_same_also_after_one_that_was_not_taught(guided, boxed, tmp_path):
    def trained(weight, *cbs):
        e = replace(guided, box_guidance=weight)
        learn = get_learner(e, get_dls(e, boxed, tmp_path), path=tmp_path)
        learn.add_cbs(cbs)
        with learn.no_bar(), learn.no_logging(): learn.fit(2, 1e-3)
        return learn.model.fc.weight

    graphs = []
    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward
    for n, weight in enumerate((0., 1., 0.), 1):
        torch.testing.assert_close(trained(weight), trained(weight, CompiledStep(backend=backend)), rtol=0, atol=0)
        assert len(graphs) == n


def test_maps_of_images_that_grow_are_taught_the_boxes_of_the_whole(guided, boxed, tmp_path):
    e, sizes = replace(guided, size_start=32, epochs=2), []
    learn = get_learner(e, get_dls(e, boxed, tmp_path), path=tmp_path)
    class Look(Callback):
        order = -15
        def after_loss(self):
            if not self.training: return
            heat = self.learn.box_guidance.handed
            share = F.adaptive_avg_pool2d(self.learn.box_guidance.masks.as_subclass(torch.Tensor).float()[:, None], heat.shape[-2:])
            sizes.append(heat.shape[-1])
            assert share[self.y == 1].mean() == pytest.approx(self.learn.box_guidance.masks[self.y == 1].float().mean().item(), rel=1e-4)

    with learn.no_bar(), learn.no_logging(): learn.fit(2, 1e-4, cbs=Look())
    assert set(sizes[:len(sizes)//2]) == {4} and set(sizes[len(sizes)//2:]) == {8}
