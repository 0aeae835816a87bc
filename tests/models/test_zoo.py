import pytest
import torch

from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import ARCHITECTURES, Experiment
from pneumo_fastai.models.zoo import build, check, described


@pytest.mark.parametrize('arch', ARCHITECTURES)
def test_every_network_has_two_halves_and_names_the_layer_that_ends_it(arch):
    torch.manual_seed(0)
    model, x = build(arch).eval(), torch.randn(2, 1, 64, 64)
    with torch.no_grad():
        maps, logits = model.features(x), model(x)
        assert maps.ndim == 4 and logits.shape == (2, 2) and torch.equal(model.head(maps), logits)
    assert model.get_submodule(model.last).out_features == 2


def test_an_option_that_means_nothing_to_a_network_is_refused_with_those_to_which_it_does():
    for arch in ARCHITECTURES: check(**described(Experiment(arch=arch)))
    check('resnet18', output_stride=16, antialias=True, stochastic_depth=.1)
    with pytest.raises(InputError, match='output_stride means nothing to arch densenet121; leave it at 32, or take arch resnet18'):
        build('densenet121', output_stride=16)
    with pytest.raises(InputError, match='stochastic_depth means nothing to arch timm:'): check('timm:resnet18', stochastic_depth=.1)
