"Which layers of a network give maps."
from collections import Counter
from contextlib import ExitStack

import torch

from ..errors import InputError
from .gradcam import evaluating


@torch.no_grad()
def mapping(
    model,
    size,  # pixels a side of its images, of one channel
) -> list[str]:
    "The layers that give one set of square maps, (n, channels, h, w) of more places than one, by a blank image, from input to output."
    seen, ran = [], Counter()
    def noting(name):
        def note(module, inputs, output):
            ran[name] += 1
            square = torch.is_tensor(output) and output.ndim == 4 and output.shape[2] == output.shape[3]  # not (n, h, w, channels)
            if square and output[0, 0].numel() > 1: seen.append(name)
        return note
    with ExitStack() as stack:
        stack.enter_context(evaluating(model))
        for name, module in model.named_modules():
            if name: stack.enter_context(module.register_forward_hook(noting(name)))
        model(torch.zeros(1, 1, size, size, device=next(model.parameters()).device))
    return [name for name in seen if ran[name] == 1]


def check_layers(
    model,
    layers,  # names; None: those that are found by themselves
    size,    # as for `mapping`
):
    "`InputError` that lists the layers that give maps, unless all of `layers` do."
    there = mapping(model, size) if layers else []
    for layer in layers or []:
        if layer in there: continue
        raise InputError(f'the model has no layer {layer!r} that gives maps of more than one place of an image of {size} x {size} pixels, '
                         f'once; there are: {", ".join(there)}')
