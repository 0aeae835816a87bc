from copy import deepcopy

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve
from torch import nn
from torchvision.models import resnet18

from pneumo_fastai.models.architectures.resnet18 import BasicBlock, Blur, ResNet18


def test_with_torchvisions_weights_it_gives_torchvisions_outputs():
    torch.manual_seed(0)
    theirs = resnet18(num_classes=2)
    theirs.conv1 = torch.nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    ours = ResNet18()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(4, 1, 96, 80)
    for mode in (True, False):  # training too: the running statistics then move alike
        torch.testing.assert_close(ours.train(mode)(x), theirs.train(mode)(x))
    for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True): torch.testing.assert_close(a, b)


def test_features_and_head_are_its_forward_to_the_last_bit():
    "And that is what it was before the two had names, written out."
    torch.manual_seed(0)
    model, x = ResNet18(), torch.randn(4, 1, 96, 80)
    other = deepcopy(model)
    def forward(m, x):
        x = m.maxpool(m.relu(m.bn1(m.conv1(x))))
        x = m.layer4(m.layer3(m.layer2(m.layer1(x))))
        return m.fc(m.avgpool(x).flatten(1))
    for mode in (True, False):
        ours, theirs = model.train(mode)(x), forward(other.train(mode), x)
        ours[:, 1].sum().backward()
        theirs[:, 1].sum().backward()
        assert torch.equal(ours, theirs)
    assert torch.equal(model.head(model.features(x)), ours)
    for a, b in zip(model.parameters(), other.parameters(), strict=True): assert torch.equal(a.grad, b.grad)


def test_its_first_and_last_layer_are_the_stated_ones():
    model = ResNet18()
    assert tuple(model.conv1.weight.shape) == (64, 1, 7, 7) and model.conv1.bias is None
    assert (model.conv1.stride, model.conv1.padding) == ((2, 2), (3, 3))
    assert (model.fc.in_features, model.fc.out_features) == (512, 2)
    # torchvision's without fc, less two input channels, with our fc
    assert sum(p.numel() for p in model.parameters()) == 11_176_512 - 6_272 + 1_026


def test_output_stride_16_has_the_same_weights_and_maps_twice_as_fine():
    model, coarse, x = ResNet18(output_stride=16), ResNet18(), torch.randn(2, 1, 224, 224)
    model.load_state_dict(coarse.state_dict())
    shapes = []
    for m in (model, coarse): m.layer4.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape[1:])))
    model(x), coarse(x)
    assert shapes == [(512, 14, 14), (512, 7, 7)]


def test_no_option_changes_the_names_or_shapes_of_its_weights():
    def shapes(**options): return {k: v.shape for k, v in ResNet18(**options).state_dict().items()}
    assert shapes(antialias=True, stochastic_depth=.3, output_stride=16) == shapes()


def test_the_blur_is_every_second_place_of_a_convolution_with_1_2_1_both_ways():
    x = torch.randn(2, 3, 9, 12, generator=torch.Generator().manual_seed(0))
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 16
    want = np.stack([[convolve(m.numpy(), kernel, mode='nearest')[::2, ::2] for m in maps] for maps in x])
    np.testing.assert_allclose(Blur()(x).numpy(), want, atol=1e-6)
    assert Blur()(x.bfloat16()).dtype == torch.bfloat16


@torch.no_grad()
def test_what_antialiased_maps_say_changes_less_where_the_image_is_shifted():
    "The mean over places: its variance between shifts, beside that between images."
    noise = torch.randn(6, 1, 112, 112, generator=torch.Generator().manual_seed(0))
    image = nn.functional.avg_pool2d(noise, 5, 1)  # as smooth as an image is
    def change(antialias):
        torch.manual_seed(0)
        net = ResNet18(antialias=antialias)
        for m in net.modules():
            if isinstance(m, nn.BatchNorm2d): m.momentum = None
        net(image[..., :96, :96])
        said = torch.stack([net.eval().features(image[..., s:s + 96, s:s + 96]).mean((2, 3)) for s in (0, 3, 7, 12)])
        return said.var(0).mean() / said.mean(0).var(0).mean()
    assert change(True) < .7 * change(False)


@torch.no_grad()
def test_antialias_keeps_the_number_of_places():
    x = torch.randn(1, 1, 96, 80)
    for stride in (16, 32):
        plain, blurred = (ResNet18(output_stride=stride, antialias=o).eval().features(x).shape for o in (False, True))
        assert plain == blurred


@torch.no_grad()
def test_stochastic_depth_leaves_out_the_stated_share_of_blocks_in_training_and_none_in_prediction():
    plain, deep, x = ResNet18(), ResNet18(stochastic_depth=.35), torch.randn(2, 1, 64, 64)
    deep.load_state_dict(plain.state_dict())
    assert torch.equal(plain.eval()(x), deep.eval()(x))
    rates = [getattr(b.drop, 'p', 0.) for b in deep.modules() if isinstance(b, BasicBlock)]
    assert rates == pytest.approx([.05 * k for k in range(8)])  # more the deeper, as in the paper
    torch.manual_seed(0)
    block, x, passed = BasicBlock(4, 4, drop=.3).train(), torch.rand(4000, 4, 2, 2), []
    block.bn2.register_forward_hook(lambda module, inputs, output: passed.append(output))
    out = block(x)
    left = (out == x).flatten(1).all(1)  # ReLU leaves what is above 0
    assert left.double().mean().item() == pytest.approx(.3, abs=.03)
    torch.testing.assert_close(out[~left], (passed[0] / .7 + x).relu()[~left])  # what stays is scaled up
