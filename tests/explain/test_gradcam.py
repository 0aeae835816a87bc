import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from pneumo_fastai.errors import InputError
from pneumo_fastai.explain.gradcam import METHODS, GradCAM, gradcam, last_maps
from pneumo_fastai.models.architectures.resnet18 import ResNet18
from pneumo_fastai.models.ensemble import Ensemble


def two_networks():
    "ResNet18 and DenseNet121, the layer whose maps are taken, and an input for each."
    from torchvision.models import densenet121
    torch.manual_seed(0)
    return [(ResNet18(), 'layer4', torch.randn(3, 1, 224, 224)), (densenet121(num_classes=2), 'features', torch.randn(2, 3, 224, 224))]


class Dense(nn.Module):
    "Another end than ResNet18's: between the last module that gives maps and the mean over places is a ReLU that is no module."
    def __init__(self):
        super().__init__()
        self.net = two_networks()[1][0]

    def features(self, x): return F.relu(self.net.features(x.expand(-1, 3, -1, -1)))
    def head(self, maps): return self.net.classifier(maps.mean((2, 3)))
    def forward(self, x): return self.head(self.features(x))


class Tiny(nn.Module):
    "Two maps (x and -x), their means, a linear layer: the gradient of class c by map k is fc[c, k] / (h w)."
    def __init__(self):
        super().__init__()
        self.features = nn.Conv2d(1, 2, 1, bias=False)
        self.fc = nn.Linear(2, 2, bias=False)
        with torch.no_grad():
            self.features.weight.copy_(torch.tensor([1., -1.]).view(2, 1, 1, 1))
            self.fc.weight.copy_(torch.tensor([[1., 1.], [3., 1.]]))

    def forward(self, x): return self.fc(self.features(x).mean((2, 3)))


def test_the_definition_on_a_network_worked_out_by_hand():
    x = torch.tensor([[[[1., 2.], [-4., 0.]]]])
    with GradCAM(Tiny(), 'features') as heat_of: heat = heat_of(x, label=1)
    # a = (3, 1) / 4; sum a_k A_k = 3/4 x - 1/4 x = x / 2; ReLU, then its minimum 0 is 0 and its maximum 1 is 1
    torch.testing.assert_close(heat, torch.tensor([[[0.5, 1.], [0., 0.]]]))
    with GradCAM(Tiny(), 'features') as heat_of: assert heat_of(x, label=0).sum() == 0  # a = (1, 1) / 4: nothing speaks for it


def test_equations_1_and_2():
    a, g = torch.rand(3, 5, 4, 4) - 0.5, torch.rand(3, 5, 4, 4) - 0.5
    slow = torch.stack([sum(g[n, k].mean() * a[n, k] for k in range(5)).clamp(min=0) for n in range(3)])
    torch.testing.assert_close(gradcam(a, g), slow)


def test_a_value_is_what_a_place_adds_to_the_logit_less_the_other_classs():
    x = torch.tensor([[[[1., 2.], [-4., 0.]]], [[[.1, .2], [-.4, 0.]]]])  # the second speaks for it a tenth as loudly
    with GradCAM(Tiny(), 'features') as cam: found = cam.by_method(x, ['gradcam'])['gradcam']
    torch.testing.assert_close(found.maps[0][0], found.maps[0][1])
    # by hand: (3 - 1) A_1 / 4 + (1 - 1) A_2 / 4 = x / 2, and its ReLU
    torch.testing.assert_close(found.values[0], x[:, 0].clamp(min=0) / 2)


@pytest.mark.parametrize('network', [ResNet18, Dense])
def test_of_a_network_and_of_another_end_the_values_sum_to_the_logits_difference(network):
    torch.manual_seed(0)
    model, x = network().eval(), torch.randn(2, 1, 96, 64)
    w, b = next((m.weight, m.bias) for m in reversed(list(model.modules())) if isinstance(m, nn.Linear))
    with torch.no_grad():
        places = torch.einsum('nchw,c->nhw', maps := model.features(x), w[1] - w[0]) / maps[0, 0].numel()  # by hand
        logits = model(x)
    torch.testing.assert_close(places.sum((1, 2)) + b[1] - b[0], logits[:, 1] - logits[:, 0])
    with GradCAM(model) as cam: found = cam.by_method(x, METHODS)
    for k in ('gradcam', 'hirescam'): torch.testing.assert_close(found[k].values[0], places.clamp(min=0))
    with GradCAM(model, mirror=True) as cam: turned = cam.by_method(x.flip(-1), ['gradcam'])['gradcam'].values[0].flip(-1)
    with GradCAM(model, mirror=True) as cam: torch.testing.assert_close(cam.by_method(x, ['gradcam'])['gradcam'].values[0], turned)


@pytest.mark.parametrize('layer', [None, 'layer3'])
def test_the_scored_map_of_each_member_is_the_one_it_has_alone(layer):
    torch.manual_seed(0)
    members, x = [ResNet18().eval() for _ in range(2)], torch.randn(2, 1, 64, 64)
    named = layer and [f'members.{i}.{layer}' for i in range(2)]
    with GradCAM(Ensemble(members, [(0., 1.)] * 2), named) as cam: together = cam.by_method(x, ['gradcam'])['gradcam'].maps
    for net, got in zip(members, together, strict=True):
        with GradCAM(net, layer) as cam: alone, = cam.by_method(x, ['gradcam'])['gradcam'].maps
        torch.testing.assert_close(got, alone)


def test_what_members_of_an_ensemble_add_is_summed():
    torch.manual_seed(0)
    one, x = ResNet18(), torch.randn(2, 1, 64, 64)
    with GradCAM(one) as cam: alone = cam.by_method(x, ['gradcam'])['gradcam'].values
    with GradCAM(Ensemble([one, one], [(0., 1.)] * 2)) as cam: together = cam.by_method(x, ['gradcam'])['gradcam'].values
    torch.testing.assert_close(together, alone)  # each has half a say


def test_the_last_maps_by_name_or_by_themselves_are_the_same_to_the_last_bit():
    torch.manual_seed(0)
    model, x = ResNet18(), torch.randn(2, 1, 64, 64)
    with GradCAM(model) as cam: between = cam.by_method(x, METHODS)
    with GradCAM(model, 'layer4.1') as cam: hooked = cam.by_method(x, METHODS)
    for k in METHODS: assert torch.equal(between[k].maps[0], hooked[k].maps[0]) and torch.equal(between[k].values[0], hooked[k].values[0])


def test_a_network_without_the_two_parts_needs_a_layer_by_name():
    with pytest.raises(InputError, match=r"no `features` and `head`, so name a layer; there are: features, features\.conv0"):
        GradCAM(two_networks()[1][0])


def test_batched_equals_one_by_one_and_has_the_size_of_the_image():
    torch.manual_seed(0)
    model, x = ResNet18(), torch.randn(3, 1, 96, 64)
    with GradCAM(model) as heat_of:
        together = heat_of(x)
        assert together.shape == (3, 96, 64) and together.min() >= 0 and together.max() <= 1
        torch.testing.assert_close(together, torch.cat([heat_of(o[None]) for o in x]), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize('frozen', [False, True])
@pytest.mark.parametrize('fails', [False, True])
def test_the_model_is_left_as_it_was(frozen, fails):
    model = ResNet18().train()
    model.layer1.eval()  # a part frozen by hand stays so
    for p in model.parameters(): p.requires_grad_(not frozen)
    model.fc.weight.grad = torch.ones_like(model.fc.weight)
    state = {k: v.clone() for k, v in model.state_dict().items()}
    modes = [m.training for m in model.modules()]
    try:
        with GradCAM(model, 'layer3.1') as heat_of:
            assert heat_of(torch.randn(2, 1, 64, 64)).shape == (2, 64, 64)
            if fails: raise RuntimeError
    except RuntimeError: pass
    assert modes == [m.training for m in model.modules()]
    assert not any(m._forward_hooks or m._backward_hooks for m in model.modules())
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    assert (model.fc.weight.grad == 1).all() and model.conv1.weight.grad is None
    assert all(p.requires_grad is not frozen for p in model.parameters())


def test_a_frozen_network_with_a_relu_in_place_after_the_layer():
    model = two_networks()[1][0].eval()
    x = torch.randn(1, 3, 64, 64)
    with GradCAM(model, 'features') as heat_of: expected = heat_of(x)
    for p in model.parameters(): p.requires_grad_(False)
    with GradCAM(model, 'features') as heat_of: torch.testing.assert_close(heat_of(x), expected)


def test_mirrored_the_map_of_a_mirrored_image_is_the_mirrored_map():
    torch.manual_seed(0)
    model, x = ResNet18(), torch.randn(2, 1, 64, 64)
    with GradCAM(model, 'layer3', mirror=True) as heat_of:
        torch.testing.assert_close(heat_of(x.flip(-1)), heat_of(x).flip(-1), atol=1e-4, rtol=0)


def test_inside_no_grad_too():
    with torch.no_grad(), GradCAM(ResNet18()) as heat_of: assert heat_of(torch.randn(1, 1, 64, 64)).shape == (1, 64, 64)


def test_a_layer_that_does_not_exist_lists_those_that_do():
    with pytest.raises(InputError, match=r"no layer 'layer5'.*layer4, layer4\.0"): GradCAM(ResNet18(), 'layer5')


def test_a_method_that_does_not_exist_lists_those_that_do():
    with pytest.raises(InputError, match=r"no method 'cam'.*gradcam\+\+, hirescam, layercam"): GradCAM(ResNet18(), method='cam')


@pytest.mark.slow
@pytest.mark.parametrize('which', [0, 1], ids=['resnet18', 'densenet121'])
@pytest.mark.parametrize('layers', [1, 2])
def test_each_method_agrees_with_the_public_package(which, layers):
    peer = pytest.importorskip('pytorch_grad_cam', reason='grad-cam is not installed, or OpenCV lacks a library', exc_type=ImportError)
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
    model, layer, x = two_networks()[which]
    model.eval()
    names = [layer] if layers == 1 else [{'layer4': 'layer3', 'features': 'features.denseblock3'}[layer], layer]
    of = dict(zip(METHODS, (peer.GradCAM, peer.GradCAMPlusPlus, peer.HiResCAM, peer.LayerCAM), strict=True))
    modules = dict(model.named_modules())
    for method, theirs in of.items():
        with theirs(model=model, target_layers=[modules[n] for n in names]) as cam:
            expected = cam(input_tensor=x, targets=[ClassifierOutputTarget(1)] * len(x))
        with GradCAM(model, names, method) as heat_of: heat = heat_of(x)
        assert heat.max() > .99
        torch.testing.assert_close(heat, torch.from_numpy(expected).float(), atol=1e-4, rtol=0)


def test_the_last_maps_are_those_that_go_into_the_head_of_every_member():
    assert last_maps(ResNet18()) == ['layer4'] and last_maps(Dense()) == ['features']
    both = Ensemble([ResNet18(), ResNet18()], [(0., 1.)] * 2)
    assert last_maps(both) == ['members.0.layer4', 'members.1.layer4']
    with GradCAM(both) as heat_of: assert heat_of(torch.randn(1, 1, 64, 64)).shape == (1, 64, 64)


@pytest.mark.parametrize('method', METHODS)
def test_under_bfloat16_the_map_is_nearly_the_same(method):
    torch.manual_seed(0)
    model, x = ResNet18(), torch.randn(2, 1, 96, 96)
    with GradCAM(model, 'layer3', method) as heat_of:
        exact = heat_of(x)
        with torch.autocast('cpu', torch.bfloat16): low = heat_of(x)
    assert low.dtype == torch.float32 and np.corrcoef(exact.ravel(), low.ravel())[0, 1] > .98


def test_the_model_can_be_called_while_the_hooks_are_on():
    torch.manual_seed(0)
    model, x = ResNet18().eval(), torch.randn(2, 1, 64, 64)
    with torch.no_grad(): expected = model(x)
    with GradCAM(model) as heat_of, torch.no_grad():
        torch.testing.assert_close(model(x), expected)
        before = heat_of(x)
        torch.testing.assert_close(model(x), expected)
        torch.testing.assert_close(heat_of(x), before)
