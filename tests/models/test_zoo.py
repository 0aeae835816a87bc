import pytest
import torch

from pneumo_fastai.experiment import ARCHITECTURES
from pneumo_fastai.models.zoo import build, start_at


@pytest.mark.parametrize('arch', ARCHITECTURES)
def test_a_head_that_starts_at_the_shares_of_the_classes_says_them_of_maps_that_say_nothing(arch):
    torch.manual_seed(0)
    model = build(arch).eval()
    start_at(model, [.8, .2])
    with torch.no_grad():
        model.get_submodule(model.last).weight.zero_()
        probability = model(torch.randn(2, 1, 64, 64)).softmax(1)
    torch.testing.assert_close(probability, torch.tensor([[.8, .2]] * 2))
