
import numpy as np
import pytest
import torch

from pneumo_fastai.errors import InputError
from pneumo_fastai.explain.gradcam import GradCAM
from pneumo_fastai.explain.maps import Maps, compute
from pneumo_fastai.models.architectures.resnet18 import ResNet18


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


def test_all_images_have_one_scale_and_the_faint_stay_grey(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.random((201, 4, 4)).astype(np.float32) * np.linspace(.01, 2, 201, dtype=np.float32)[:, None, None]
    maps = Maps([str(i) for i in range(201)], ['layer4'], 'gradcam', 12, [values.astype(np.float16)], [values])
    maps = maps.on_scale(maps.paths)
    top, = maps.tops
    assert (values.max((1, 2)) > top).sum() == 2 and maps.scale.top == top  # 1 in 100 of 201
    shown = np.stack(list(maps.shown(maps.paths)))
    assert shown.shape == (201, 12, 12) and shown.max() == 1 and shown[0].max() < .01
    np.testing.assert_allclose(shown[:190, 1::3, 1::3] * top, values[:190].clip(max=top), rtol=1e-5)  # at the middle of each place
    maps.save(tmp_path/'gradcam.npz')
    again = Maps.load(tmp_path/'gradcam.npz')
    assert again.tops == maps.tops and again.last and np.array_equal(again.values[0], values)


def test_where_nothing_speaks_for_it_all_is_grey():
    flat = Maps(['a'], ['layer4'], 'gradcam', 8, [np.zeros((1, 2, 2))], [np.zeros((1, 2, 2), np.float32)]).on_scale(['a'])
    assert not next(flat.shown(['a'])).any()


def test_fused_layers_count_alike_and_their_number_is_said_to_be_relative():
    values = [np.full((1, 2, 2), v, np.float32) for v in (1e-4, 50.)]
    maps = Maps(['a'], ['layer3', 'layer4'], 'gradcam', 4, values, values, last=False).on_scale(['a'])
    np.testing.assert_allclose(next(maps.shown(['a'])), 1, rtol=1e-6)
    assert maps.scale.top == 1 and 'no part of the logit' in maps.scale.label


def test_no_file_of_maps_says_how_to_get_one(tmp_path):
    with pytest.raises(InputError, match=r'pneumo_fastai\.gradcam'): Maps.load(tmp_path/'gradcam.npz')
