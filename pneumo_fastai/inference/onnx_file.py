"A trained network as an ONNX file, which predicts where there is no torch: `portable`, or any other program with ONNX Runtime."
import os
import sys
import warnings
from contextlib import contextmanager

import torch
from torch import nn

from ..errors import Failed
from ..models.ensemble import Ensemble
from ..writing import whole

OPSET = 18


class FromSquares(nn.Module):
    "(n, size, size) uint8 -> (n, members) probability of pneumonia, normalisation and softmax inside; one member unless an ensemble."
    def __init__(self, model, mean, std):
        super().__init__()
        self.model, self.mean, self.std = model, mean, std

    def forward(self, image):
        x = (image[:, None].float() / 255 - self.mean) / self.std
        each = self.model.probabilities(x) if isinstance(self.model, Ensemble) else self.model(x).softmax(-1)[None]
        return each[..., 1].T


def write_onnx(
    bundle,  # a `Bundle`; not changed
    path,    # of the file, which appears whole or not at all
):
    """Input `image` (n, size, size) uint8, output `probabilities` (n, members) float32, for any n: the same bytes each time.

    Raises `Failed` in one line where the network does what ONNX cannot say, as some of timm's do."""
    recipe, n = bundle.recipe, {0: 'n'}
    network = FromSquares(bundle.model, recipe['mean'], recipe['std']).train(bundle.model.training)  # the exporter puts that back
    image = torch.zeros(2, recipe['size'], recipe['size'], dtype=torch.uint8, device=bundle.device)
    with whole(path) as beside, silence():
        try: torch.onnx.export(
            network, (image,), str(beside), opset_version=OPSET, input_names=['image'], output_names=['probabilities'],
            dynamic_axes=dict(image=n, probabilities=n),
            dynamo=False)  # the other one takes 7 s for ResNet18 and 23 s for DenseNet121, this one 1 s, and needs onnxscript too
        except OSError: raise
        except Exception as e:  # whatever the network's own code and the exporter make of it
            raise Failed(f'{recipe["arch"]} cannot be written as ONNX ({type(e).__name__}); predict with torch instead') from e


@contextmanager
def silence():
    "No warning: that the exporter is the older one, and which sizes it takes as fixed. And no output: the graph where it failed."
    sys.stdout.flush()
    out, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # it is written by C++
    try:
        with warnings.catch_warnings(action='ignore'): yield
    finally:
        os.dup2(out, 1)
        for fd in (out, nowhere): os.close(fd)
