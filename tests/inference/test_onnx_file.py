"model.onnx: ONNX Runtime says of a square what torch says of it."
import warnings

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from pneumo_fastai.errors import Failed
from pneumo_fastai.experiment import ARCHITECTURES
from pneumo_fastai.inference.bundle import Bundle, fresh
from pneumo_fastai.inference.onnx_file import write_onnx


def a_bundle(arch='resnet18', **more):
    torch.manual_seed(0)
    recipe = dict(arch=arch, size=64, aspect='pad', mean=.45, std=.23, threshold=.5, calibrator=dict(method='none')) | more
    return Bundle(fresh(recipe).state_dict(), recipe)


def said(path, squares): return onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider']).run(None, {'image': squares})[0]
def squares(n): return np.random.default_rng(n).integers(0, 256, (n, 64, 64)).astype(np.uint8)


def check(bundle, path):
    write_onnx(bundle, path)
    for n in (1, 3):
        found, wanted = said(path, squares(n)), bundle.of_pixels(squares(n))
        assert found.shape == (n, bundle.n) and found.dtype == np.float32
        np.testing.assert_allclose(found.T, wanted, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize('arch', [*ARCHITECTURES, 'timm:resnet10t'])
def test_onnx_runtime_and_torch_agree_on_every_network(arch, tmp_path): check(a_bundle(arch), tmp_path/'model.onnx')


def test_and_on_every_option_of_resnet18(tmp_path):
    check(a_bundle(antialias=True, output_stride=16, stochastic_depth=.2), tmp_path/'model.onnx')


def test_and_on_the_members_of_an_ensemble_each_with_its_normalisation(tmp_path):
    bundle = a_bundle(members=2)
    bundle.model.scale[1], bundle.model.shift[1] = 1.3, .2
    check(bundle, tmp_path/'model.onnx')
    assert np.abs(np.diff(said(tmp_path/'model.onnx', squares(3)), axis=1)).max() > .01


def test_the_file_says_what_it_takes_and_is_the_same_each_time(tmp_path):
    bundle = a_bundle()
    bundle.model.train()
    for name in 'ab': write_onnx(bundle, tmp_path/name)
    assert (tmp_path/'a').read_bytes() == (tmp_path/'b').read_bytes() and bundle.model.training
    assert sorted(p.name for p in tmp_path.iterdir()) == ['a', 'b']
    model = onnx.load(tmp_path/'a')
    onnx.checker.check_model(model, full_check=True)
    assert [o.version for o in model.opset_import if o.domain == ''] == [18]
    assert [i.name for i in model.graph.input] == ['image'] and [o.name for o in model.graph.output] == ['probabilities']
    wanted = a_bundle().of_pixels(squares(2))  # in evaluation mode
    np.testing.assert_allclose(said(tmp_path/'a', squares(2)).T, wanted, atol=1e-4)


class Fourier(nn.Module):
    def forward(self, x): return torch.fft.fft2(x).abs().flatten(1)[:, :2]


def test_a_network_that_onnx_cannot_say_fails_in_one_line(tmp_path, capfd):
    bundle = a_bundle()
    bundle.model = Fourier()
    with pytest.raises(Failed, match=r'^resnet18 cannot be written as ONNX [^\n]+$'): write_onnx(bundle, tmp_path/'model.onnx')
    with warnings.catch_warnings(record=True, action='always') as more: write_onnx(a_bundle(), tmp_path/'b')
    assert not more and capfd.readouterr() == ('', '')
    assert [p.name for p in tmp_path.iterdir()] == ['b']


def test_a_full_disk_is_an_error_of_the_disk(tmp_path):
    with pytest.raises(OSError): write_onnx(a_bundle(), tmp_path/'absent'/'model.onnx')
