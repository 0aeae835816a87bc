"Facts that hold of every network; what is one network's own stands in its own file."
import copy
import subprocess
import sys
import warnings

import numpy as np
import pytest
import timm
import torch
import torchvision
from torch import nn

from pneumo_fastai.cli import run
from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import ARCHITECTURES
from pneumo_fastai.explain.gradcam import METHODS, GradCAM, last_maps
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.inference.network import ready
from pneumo_fastai.models.zoo import build, check
from pneumo_fastai.training.callbacks.guidance import class_map

NAMES = [*ARCHITECTURES, 'timm:mobilenetv3_small_100', 'timm:convnextv2_atto']
RECIPE = dict(size=64, aspect='pad', mean=.5, std=.25, threshold=.5, calibrator=dict(method='none'))


def seen(net):
    "The network with batch norms that have seen images, so that none fades out and there is something to fold in; for prediction."
    for m in net.modules():
        if isinstance(m, nn.modules.batchnorm._BatchNorm): m.momentum = None  # the mean of all batches
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad(): net.train()(torch.randn(16, next(net.parameters()).shape[1], 64, 64, generator=generator))
    return net.eval()


def theirs(name):
    "The library's own network for colour."
    if name.startswith('timm:'): return timm.create_model(name.removeprefix('timm:'), num_classes=2)
    return torchvision.models.get_model(name, num_classes=2)


@pytest.fixture(scope='module', params=NAMES)
def name(request): return request.param


@pytest.fixture(scope='module')
def net(name):
    torch.manual_seed(0)
    return seen(build(name, size=64))


@pytest.fixture(scope='module')
def x(): return torch.randn(3, 1, 64, 64, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_it_takes_one_channel_gives_two_logits_and_is_its_two_halves(net, x):
    first, last = next(m for m in net.modules() if isinstance(m, nn.Conv2d)), net.get_submodule(net.last)
    assert first.in_channels == 1 and isinstance(last, nn.Linear) and last.out_features == 2
    maps, logits = net.features(x), net(x)
    assert logits.shape == (3, 2) and maps.shape[0] == 3 and maps.shape[2:] == (2, 2)
    assert torch.equal(net.head(maps), logits) and logits.std(0).min() > 1e-4


@torch.no_grad()
def test_it_says_what_the_librarys_own_says_of_grey_in_three_channels(name, net, x):
    "With the first convolution's weights summed over the channels; and so it has the parameters of two channels less."
    torch.manual_seed(2)
    colour, ours = seen(theirs(name)), copy.deepcopy(net)
    state, prefix = colour.state_dict(), 'net.' * name.startswith('timm:')
    stem = next(k for k, v in state.items() if v.ndim == 4)
    n = sum(p.numel() for p in colour.parameters()) - sum(p.numel() for p in ours.parameters())
    assert n == 2 * state[stem][:, :1].numel()
    ours.load_state_dict({prefix + k: v.sum(1, keepdim=True) if k == stem else v for k, v in state.items()})
    torch.testing.assert_close(ours(x), colour(x.repeat(1, 3, 1, 1)), rtol=1e-4, atol=1e-4)


def test_the_heatmaps_are_their_formulas_of_the_maps_that_go_into_the_head(net, x):
    maps = net.features(x).detach().requires_grad_()
    gradient, = torch.autograd.grad(net.head(maps)[:, 1].sum(), maps)
    want = (gradient.mean((2, 3), keepdim=True) * maps).sum(1).relu().detach()
    with GradCAM(net) as cam: found = cam.by_method(x, METHODS)
    low, high = want.amin((1, 2), keepdim=True), want.amax((1, 2), keepdim=True)
    torch.testing.assert_close(found['gradcam'].maps[0], (want - low) / (high - low + 1e-7), rtol=1e-3, atol=1e-3)
    assert set(found) == set(METHODS) and len(last_maps(net)) == 1
    for heat in found.values(): assert heat.maps[0].shape == (3, 2, 2) and heat.values[0].isfinite().all() and heat.maps[0].max() <= 1


def test_the_class_map_is_the_gradient_of_each_image_alone_and_can_be_learnt(name, net, x):
    maps = net.features(x)
    heat = class_map(maps, net.head)
    for i in range(3):
        one = maps[i:i + 1].detach().requires_grad_()
        gradient, = torch.autograd.grad(net.head(one)[0, 1], one)
        torch.testing.assert_close(heat[i], 4 * (gradient * one).sum((0, 1)).detach(), rtol=1e-3, atol=1e-4)
    grads = torch.autograd.grad(heat[:, 0, 0].sum(), list(net.parameters()), allow_unused=True)
    assert all(g is None or g.isfinite().all() for g in grads) and sum(g is not None and bool(g.any()) for g in grads) > len(grads) / 2
    linear = torch.einsum('nchw,c->nhw', maps, net.get_submodule(net.last).weight[1]) if name in ('resnet18', 'convnext_tiny') else heat
    assert torch.allclose(heat, linear, rtol=1e-3, atol=1e-3) == (name != 'convnext_tiny')  # its head has a norm of its own


def test_a_step_in_bfloat16_and_channels_last_reaches_every_parameter(net, x):
    before = {k: v.clone() for k, v in net.state_dict().items()}
    net.train().to(memory_format=torch.channels_last)
    with torch.autocast('cpu', torch.bfloat16): logits = net(x.contiguous(memory_format=torch.channels_last))
    nn.functional.cross_entropy(logits.float(), torch.tensor([0, 1, 1])).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    net.zero_grad(set_to_none=True)
    net.eval().load_state_dict(before)


@torch.inference_mode()
def test_made_ready_it_says_the_same(net, x):
    "To 1e-5, or as nearly as float32 itself says what the network says in double precision: an untrained deep one makes much of rounding."
    plain, true = net(x), copy.deepcopy(net).double()(x.double())
    exact, rough = (ready(net, o)(x) for o in ('float32', 'bfloat16'))
    assert (exact - true).abs().max() < max(1e-5 * true.abs().max(), 4 * (plain - true).abs().max())
    assert (rough.softmax(-1) - plain.softmax(-1)).abs().max() < .05
    assert torch.equal(net(x), plain)


def test_a_bundle_gives_the_networks_probability_again(name, net, tmp_path):
    Bundle(net.state_dict(), dict(arch=name, **RECIPE)).save(tmp_path/'model')
    again, pixels = Bundle.load(tmp_path), np.random.default_rng(0).integers(0, 256, (3, 64, 64), np.uint8)
    with torch.no_grad(): want = net(again.normalised(pixels)).softmax(-1)[:, 1].numpy()
    np.testing.assert_allclose(again.of_pixels(pixels)[0], want, atol=1e-5)


@pytest.mark.parametrize('arch, options, says', [
    ('densenet121', dict(output_stride=16), 'output_stride means nothing to arch densenet121; leave it at 32, or take arch resnet18'),
    ('convnext_tiny', dict(antialias=True), 'antialias means nothing to arch convnext_tiny'),
    ('timm:resnet34', dict(stochastic_depth=.1), 'stochastic_depth means nothing to arch timm:resnet34')])
def test_an_option_that_means_nothing_is_refused(arch, options, says):
    with pytest.raises(InputError, match=says): check(arch, size=64, **options)
    check('resnet18', output_stride=16, antialias=True, stochastic_depth=.1)


@pytest.mark.slow
def test_a_bundle_of_any_predicts_without_fastai(tmp_path):
    for i, name in enumerate(NAMES): Bundle(build(name, size=64).state_dict(), dict(arch=name, **RECIPE)).save(tmp_path/f'{i}.pt')
    code = ('import sys, numpy as np\nfrom pneumo_fastai.inference.bundle import Bundle\n'
            f'for i in range({len(NAMES)}): Bundle.load(sys.argv[1] + f"/{{i}}.pt").of_pixels(np.zeros((2, 64, 64), np.uint8))\n'
            'assert "fastai" not in sys.modules')
    subprocess.run([sys.executable, '-c', code, tmp_path], check=True)


@pytest.mark.slow
def test_fit_with_any_of_them_and_fastais_learner_and_the_bundle_say_the_same(name, films, tmp_path, monkeypatch):
    import pandas as pd
    from fastai.learner import load_learner

    from pneumo_fastai.fit import fit
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'argv', ['fit'])
    assert run(fit, ['--data', str(films), '--arch', name, '--size', '64', '--epochs', '1', '--batch-size', '8', '--lr', '3e-4']) == 0
    folder, = (tmp_path/'runs').iterdir()
    said = pd.read_csv(folder/'predictions.csv')
    assert (folder/'gradcam.png').is_file() and said.probability.std() > 0
    np.testing.assert_allclose(Bundle.load(folder).probability(said.path)[0], said.probability, atol=1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)  # that a pickle can hold code
        learn = load_learner(folder/'learner.pkl')
    with learn.no_bar(): mine = learn.get_preds(dl=learn.dls.test_dl(list(said.path)))[0][:, 1].numpy()
    np.testing.assert_allclose(mine, said.probability, atol=1e-4)
