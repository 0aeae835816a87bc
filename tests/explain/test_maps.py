
import numpy as np
import pytest
import torch

from pneumo_fastai.errors import InputError
from pneumo_fastai.explain.gradcam import GradCAM
from pneumo_fastai.explain.maps import Maps, compute
from pneumo_fastai.models.resnet import ResNet18


class Held(dict):
    "Images by path, with the shape that a cache has."
    @property
    def array(self): return np.stack(list(self.values()))


def images(n=5, size=64):
    rng = np.random.default_rng(0)
    return Held({f'{i}.png': rng.integers(0, 256, (size, size), dtype=np.uint8) for i in range(n)})


def test_maps_kept_on_disk_are_those_of_the_hooks(tmp_path):
    torch.manual_seed(0)
    model, pixels = ResNet18(), images()
    ticks = []
    maps = compute(model, pixels, pixels, (.5, .25), ['layer3', 'layer4'], 'layercam', batch_size=2, tick=lambda *a: ticks.append(a))
    assert [m.shape for m in maps.native] == [(5, 4, 4), (5, 2, 2)] and ticks[-1] == (5, 5)
    maps.save(tmp_path/'gradcam.npz')
    again = Maps.load(tmp_path/'gradcam.npz')
    assert again.paths == list(pixels) and again.layers == ['layer3', 'layer4'] and again.method == 'layercam'
    x = torch.from_numpy(np.stack([pixels[p] for p in pixels])).float().div(255).sub(.5).div(.25)[:, None]
    with GradCAM(model, ['layer3', 'layer4'], 'layercam') as cam: heat = cam(x).numpy()
    np.testing.assert_allclose(again.heat(['3.png', '0.png']), heat[[3, 0]], atol=2e-3)  # float16, and batches of two
    assert again.heat(['1.png'], 16).shape == (1, 16, 16) and [p.name for p in tmp_path.iterdir()] == ['gradcam.npz']


def test_no_file_of_maps_says_how_to_get_one(tmp_path):
    with pytest.raises(InputError, match=r'pneumo_fastai\.gradcam'): Maps.load(tmp_path/'gradcam.npz')
