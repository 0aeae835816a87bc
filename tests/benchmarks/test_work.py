import pytest
from torchvision.models import get_model_weights

from pneumo_fastai.benchmarks.work import gflop
from pneumo_fastai.experiment import Experiment


def test_the_work_of_a_step_is_that_of_the_networks_convolutions_and_matrix_products():
    "By hand, of ResNet18 at 64 pixels: multiplications and additions of each convolution, forward and twice backward."
    layers = [(32, 1, 64, 49)] + [(16, 64, 64, 9)] * 4  # places a side, channels in and out, kernel
    for places, cin in ((8, 64), (4, 128), (2, 256)):
        layers += [(places, cin, 2*cin, 9), (places, 2*cin, 2*cin, 9), (places, cin, 2*cin, 1), *[(places, 2*cin, 2*cin, 9)] * 2]
    want = 3 * 2 * (sum(p * p * a * b * k for p, a, b, k in layers) + 512 * 2) / 1e9
    assert gflop(Experiment(size=64)) == pytest.approx(want)


@pytest.mark.parametrize('arch, stem', [('densenet121', 64 * 49 * 112**2), ('convnext_tiny', 96 * 16 * 56**2)])
def test_and_what_torchvision_states_less_two_channels(arch, stem):
    stated = get_model_weights(arch).DEFAULT.meta['_ops']  # G multiplications of one image
    assert gflop(Experiment(arch=arch)) == pytest.approx(3 * 2 * (stated - 2 * stem / 1e9), rel=.005)
