import sys

import pytest
import torch

from pneumo_fastai.errors import InputError
from pneumo_fastai.models.timm_net import TimmNet


@pytest.mark.parametrize('name, channels', [('test_resnet', 96), ('test_mambaout', 64)])
def test_maps_come_channels_first_and_the_halves_make_timms_output(name, channels):
    "The second has its channels at the end."
    timm = pytest.importorskip('timm', reason='timm is not installed')
    torch.manual_seed(0)
    model, x = TimmNet(name).eval(), torch.randn(2, 1, 160, 160)
    with torch.no_grad():
        maps = model.features(x)
        assert maps.shape == (2, channels, 5, 5) and torch.equal(model.head(maps), model(x))
        theirs = timm.create_model(name, in_chans=1, num_classes=2).eval()
        theirs.load_state_dict(model.net.state_dict())
        torch.testing.assert_close(model(x), theirs(x))
    assert model.get_submodule(model.last).out_features == 2 and TimmNet(name).training


def test_what_timm_does_not_have_or_has_no_maps_of_is_refused(monkeypatch):
    pytest.importorskip('timm', reason='timm is not installed')
    with pytest.raises(InputError, match=r"no network 'resnet34x'; near it are .*resnet34"): TimmNet('resnet34x')
    with pytest.raises(InputError, match='test_vit has no maps of places'): TimmNet('test_vit')
    monkeypatch.setitem(sys.modules, 'timm', None)
    with pytest.raises(InputError, match='needs the library timm; pip install'): TimmNet('test_resnet')
