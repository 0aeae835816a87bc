import sys

import pytest
import timm
import torch

from pneumo_fastai.checks import check_network
from pneumo_fastai.cli import run
from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import Experiment
from pneumo_fastai.explain.gradcam import METHODS, GradCAM, last_maps
from pneumo_fastai.fit import fit
from pneumo_fastai.inference.network import ready
from pneumo_fastai.models.timm_net import TimmNet


@pytest.mark.parametrize('name, channels', [('test_resnet', 96), ('test_mambaout', 64)])
def test_maps_come_channels_first_and_the_halves_make_timms_output(name, channels):
    "The second has its channels at the end."
    torch.manual_seed(0)
    model, x = TimmNet(name).eval(), torch.randn(2, 1, 160, 160)
    with torch.no_grad():
        maps = model.features(x)
        assert maps.shape == (2, channels, 5, 5) and torch.equal(model.head(maps), model(x))
        theirs = timm.create_model(name, in_chans=1, num_classes=2).eval()
        theirs.load_state_dict(model.net.state_dict())
        torch.testing.assert_close(model(x), theirs(x))
    assert model.get_submodule(model.last).out_features == 2 and TimmNet(name).training


@pytest.mark.parametrize('name, size, says', [
    ('resnet3x', 64, "timm has no network 'resnet3x'; near it are resnet34"),
    ('vit_tiny_patch16_224', 224, 'has no maps of places, which heatmaps need; take a convolutional network'),
    ('crossvit_9_240', 240, 'has no maps of places'),
    ('inception_v3', 64, 'timm:inception_v3 cannot be made for images of 64 x 64 pixels; give --size 299'),
    pytest.param('csatv2', None, 'timm:csatv2 takes no images of one channel', marks=pytest.mark.filterwarnings('ignore:CSATv2 is')),
    ('repvit_m0_9', 224, 'timm:repvit_m0_9 does not end in one layer'),
    ('maxvit_pico_rw_256', 70, 'cannot be made for images of 70 x 70 pixels; give --size 256')])
def test_what_cannot_be_is_told_in_a_line(name, size, says):
    with pytest.raises(InputError, match=says) as e: TimmNet(name, size)
    assert '\n' not in str(e.value)


def test_without_the_library_fit_says_how_to_get_it_before_it_reads_anything(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'timm', None)
    assert run(fit, ['--arch', 'timm:resnet34', '--data', 'nowhere']) == 2
    assert capsys.readouterr().err.strip() == 'error: arch timm:resnet34 needs the library timm; pip install "pneumo_fastai[timm]"'


def test_a_network_of_one_size_is_made_for_the_recipes_and_told_of_another_to_start_with():
    e = Experiment(arch='timm:maxvit_pico_rw_256', size=64)
    check_network(e)
    with pytest.raises(InputError, match='arch timm:maxvit_pico_rw_256 takes images of one size, size_start 32 is another; set it to 0'):
        check_network(Experiment(arch=e.arch, size=64, size_start=32))


def test_swin_for_small_images_has_its_channels_in_front_and_maps_that_can_be_explained():
    torch.manual_seed(0)
    net, x = TimmNet('swin_tiny_patch4_window7_224', 64).eval(), torch.randn(2, 1, 64, 64)
    assert (net.fixed, net.image_size, net.last) == (True, 64, 'net.head.fc') and last_maps(net) == ['features']
    with torch.no_grad():
        maps = net.features(x)
        want = net.net(x)
        assert maps.shape == (2, 768, 2, 2) and torch.equal(net.head(maps), want)
        torch.testing.assert_close(maps.mean((2, 3)) @ net.net.head.fc.weight.T + net.net.head.fc.bias, want)
        torch.testing.assert_close(ready(net)(x), want)
    with GradCAM(net) as cam: found = cam.by_method(x, METHODS)
    torch.testing.assert_close(found['gradcam'].maps, found['hirescam'].maps)  # the head is a mean and a linear layer: the same formula


@torch.no_grad()
def test_what_torch_fx_cannot_follow_predicts_as_it_is():
    torch.manual_seed(0)
    net, x = TimmNet('tf_efficientnet_b0', 64).eval(), torch.randn(2, 1, 64, 64)
    assert not net.fixed
    torch.testing.assert_close(ready(net)(x), net(x))
    assert any(isinstance(m, torch.nn.BatchNorm2d) for m in ready(net).modules())
