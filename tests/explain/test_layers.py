import pytest
import torch
from torch import nn

from pneumo_fastai.errors import InputError
from pneumo_fastai.explain.layers import check_layers, mapping
from pneumo_fastai.models.architectures.resnet18 import ResNet18
from pneumo_fastai.models.zoo import build


def test_layers_with_one_set_of_maps_are_found_from_input_to_output():
    model = ResNet18().train()
    before = torch.get_rng_state()
    found = mapping(model, 64)
    assert [o for o in found if '.' not in o] == ['conv1', 'bn1', 'relu', 'maxpool', 'layer1', 'layer2', 'layer3', 'layer4']
    assert 'layer1.0.relu' not in found  # it runs twice
    assert model.training and not any(m._forward_hooks for m in model.modules()) and torch.equal(torch.get_rng_state(), before)
    assert 'layer4' not in mapping(model, 32) and 'layer3' in mapping(model, 32)  # at 32 pixels its maps have one place


def test_what_gives_no_tensor_of_places_gives_no_maps():
    class Two(nn.Module):
        def forward(self, x): return x, x
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.two, self.flat = nn.Conv2d(1, 2, 3), Two(), nn.Flatten()
        def forward(self, x): return self.flat(self.two(self.conv(x))[0])
    assert mapping(Net(), 8) == ['conv']


def test_maps_whose_channels_stand_at_the_end_are_none_for_grad_cam_would_take_rows_for_channels():
    found = mapping(build('convnext_tiny'), 64)
    assert 'features.1.0.block.0' in found and 'features.1.0' in found and not {f'features.1.0.block.{i}' for i in range(1, 6)} & set(found)


def test_a_layer_that_gives_none_is_named_with_those_that_do():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 2))
    for layers in (None, [], ['0']): check_layers(model, layers, 8)
    with pytest.raises(InputError, match=r"no layer '1' .* of 8 x 8 pixels, once; there are: 0$"): check_layers(model, ['0', '1'], 8)
