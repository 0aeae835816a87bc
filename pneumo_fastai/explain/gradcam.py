"Class activation maps: Grad-CAM and three of its kin, of the maps that a network hands to its head or of layers by name."
from contextlib import ExitStack
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch.autograd.graph import get_gradient_edge

from ..errors import InputError
from ..models.ensemble import Ensemble, log_mean


def gradcam(a, g):
    "ReLU(sum_k w_k A_k), w_k the mean gradient of map k (Selvaraju et al. 2017, arXiv:1610.02391, equations 1 and 2)."
    return F.relu((g.mean((2, 3), keepdim=True) * a).sum(1))


def gradcam_plus_plus(a, g):
    "As Grad-CAM, but w_k weighs the positive gradients by alpha (Chattopadhay et al. 2018, arXiv:1710.11063, equation 19)."
    alpha = g**2 / (2 * g**2 + a.sum((2, 3), keepdim=True) * g**3 + 1e-6)
    return F.relu(((F.relu(g) * alpha * (g != 0)).sum((2, 3), keepdim=True) * a).sum(1))


def hirescam(a, g):
    "ReLU(sum_k G_k A_k), each place by its own gradient (Draelos and Carin 2020, arXiv:2011.08891)."
    return F.relu((g * a).sum(1))


def layercam(a, g):
    "ReLU(sum_k ReLU(G_k) A_k) (Jiang et al. 2021, doi:10.1109/TIP.2021.3089943)."
    return F.relu((F.relu(g) * a).sum(1))


METHODS = {'gradcam': gradcam, 'gradcam++': gradcam_plus_plus, 'hirescam': hirescam, 'layercam': layercam}


def scaled(heat):
    "Each map (n, h, w) from 0 at its minimum to 1 at its maximum; all 0 where it is flat."
    heat = heat - heat.amin((1, 2), keepdim=True)
    return heat / heat.amax((1, 2), keepdim=True).add(1e-7)


def resized(heat, size): return F.interpolate(heat[:, None], size, mode='bilinear', align_corners=False)[:, 0]


def fused(
    maps,  # of each layer, (n, h, w), scaled
    size,  # (height, width) of the images
):
    "The mean of the layers' maps at the images' size, (n, height, width) in 0..1."
    return scaled(torch.stack([resized(m.float(), size) for m in maps]).mean(0))


def how_maps(experiment) -> dict:
    "`layers`, `method` and `mirror`, as `GradCAM` takes them, of an `Experiment`."
    return dict(layers=names(experiment.gradcam_layers), method=experiment.gradcam_method, mirror=experiment.gradcam_mirror)


def names(text): return [o.strip() for o in text.split(',')] if text else None


class Heat(NamedTuple):
    "What one method says of the images of a batch."
    maps:list    # of each layer, (n, h, w): for its network's logit of the class, each image from 0 to 1. These are scored
    values:list  # the same for that logit less the other class's, not scaled; of the last maps of several networks the sum. These are drawn


class GradCAM:
    """Of the maps between a model's `features` and its `head`, or of layers by name through hooks, for the time of a `with`:

        with GradCAM(model) as cam: heat = cam(x)

    Afterwards the model's hooks, mode and gradients are as they were, also after an exception. Works inside `torch.no_grad` and
    `torch.autocast`. Raises `InputError` for a layer or method that does not exist, listing those that do."""
    def __init__(
        self, model,
        layers=None,       # a name, or several to fuse; None: the last maps, as `last_maps` calls them
        method='gradcam',  # of METHODS
        mirror=False,      # the mean with the map of the mirrored image, turned back: less noise at twice the cost
    ):
        self.model, last = model, last_maps(model)
        self.layers = [layers] if isinstance(layers, str) else list(layers or last)
        self.last = self.layers == last  # no hook is needed
        self.modules = dict(model.named_modules())
        there = ', '.join(k for k in self.modules if k)
        if not self.layers: raise InputError(f'the model has no `features` and `head`, so name a layer; there are: {there}')
        if method not in METHODS: raise InputError(f'there is no method {method!r}; there are: {", ".join(METHODS)}')
        for layer in [] if self.last else self.layers:
            if not layer or layer not in self.modules:
                raise InputError(f'the model has no layer {layer!r}; there are: {there}')
        self.method, self.mirror, self.kept = method, mirror, None  # a list of (activations, edge) during a pass of our own

    def __enter__(self):
        with ExitStack() as stack:
            stack.enter_context(evaluating(self.model))  # batch statistics would mix the images of a batch
            for layer in [] if self.last else self.layers:
                stack.enter_context(self.modules[layer].register_forward_hook(lambda module, inputs, output: self._keep(output)))
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *error):
        self.stack.close()

    def _keep(self, output):
        "Notes what a layer gives, and the edge of the graph at which its gradient will arrive; returns what goes on."
        if self.kept is None: return None
        if not output.requires_grad: output = output.detach().requires_grad_().clone()  # of a frozen model; a leaf bears no in-place ReLU
        self.kept.append((output, get_gradient_edge(output)))  # now: an in-place ReLU that follows would move the edge
        return output

    def by_method(self, x, methods, label=1) -> dict[str, Heat]:
        "By each of some METHODS, from one pass; of two classes, what speaks for `label` in (n, c, H, W) inputs."
        heat = self._heat(x, methods, label)
        return heat if not self.mirror else {k: both(heat[k], o) for k, o in self._heat(x.flip(-1), methods, label).items()}

    def _heat(self, x, methods, label):
        layers, for_class, for_difference = self._gradients(x, label)
        found = {}
        for k in methods:
            values = [METHODS[k](a, g) for a, g in zip(layers, for_difference, strict=True)]
            maps = [scaled(METHODS[k](a, g)) for a, g in zip(layers, for_class, strict=True)]
            found[k] = Heat(maps, [sum(values)] if self.last else values)
        return found

    def _gradients(self, x, label):
        """What each layer gives; the gradients there of the logit of `label`, of several networks of each one's own, which is what a map
        was taught for, and of the model's logit less the other class's."""
        self.kept = kept = []
        try:
            with torch.enable_grad():
                logits, own = self._logits(x)
                edges, score = [edge for _, edge in kept], own[..., label].sum()  # each image's score depends on that image alone
                for_class = torch.autograd.grad(score, edges, retain_graph=True)  # leaves the parameters' .grad alone
                for_difference = torch.autograd.grad((logits[:, label] - logits[:, 1 - label]).sum(), edges)
        finally: self.kept = None
        return [a.detach().float() for a, _ in kept], [g.float() for g in for_class], [g.float() for g in for_difference]

    def _logits(self, x):
        "The model's, (n, classes); and those of its network, or (networks, n, classes) where it has several."
        several = isinstance(self.model, Ensemble)
        if self.last:
            maps = self.model.features(x)
            own = self.model.heads([self._keep(m) for m in maps]) if several else self.model.head(self._keep(maps))
        else: own = self.model.each(x) if several else self.model(x)
        return log_mean(own.softmax(-1)) if several else own, own

    def maps(self, x, label=1) -> list[torch.Tensor]:
        "The map of each layer, (n, h, w) in 0..1 at that layer's own resolution, for what speaks for class `label` in (n, c, H, W) inputs."
        return self.by_method(x, [self.method], label)[self.method].maps

    def __call__(self, x, label=1) -> torch.Tensor:
        "Heat in 0..1, (n, H, W), for what speaks for class `label` in (n, c, H, W) inputs; all 0 where nothing does."
        return fused(self.maps(x, label), x.shape[-2:])


def both(heat, mirrored) -> Heat:
    "The mean with what was found in the mirrored images, turned back."
    maps = [scaled(m + t.flip(-1)) for m, t in zip(heat.maps, mirrored.maps, strict=True)]
    return Heat(maps, [(v + t.flip(-1)) / 2 for v, t in zip(heat.values, mirrored.values, strict=True)])


class evaluating:
    "The model in evaluation mode, and each of its modules in its own mode again afterwards."
    def __init__(self, model): self.model = model

    def __enter__(self):
        self.modes = {m: m.training for m in self.model.modules()}
        self.model.eval()

    def __exit__(self, *error):
        for module, training in self.modes.items(): module.training = training


@torch.no_grad()
def last_maps(
    model,  # whose `image_size`, where it has one, is that of the blank image
) -> list[str]:
    """What to call the maps that go from `features` to `head`: the module that gives them, found by a blank image, or 'features' where none
    does; of an `Ensemble`, one for each member; none where the model has no such parts."""
    members = getattr(model, 'members', None)
    if members is not None: return [f'members.{i}.{layer}' for i, m in enumerate(members) for layer in last_maps(m)]
    if not (hasattr(model, 'features') and hasattr(model, 'head')): return []
    seen, first, size = [], next(model.parameters()), getattr(model, 'image_size', 64)
    def noting(name): return lambda module, inputs, output: seen.append((name, output))
    with ExitStack() as stack:
        stack.enter_context(evaluating(model))
        for name, module in model.named_modules():
            if name: stack.enter_context(module.register_forward_hook(noting(name)))
        maps = model.features(torch.zeros(2, first.shape[1], size, size, device=first.device))
    return [next((name for name, output in reversed(seen) if output is maps), 'features')]


def show_gradcam(
    learn,         # a fastai `Learner`
    items,         # paths, or rows of the cohort's table
    layers=None,   # by name, one or several to fuse; None: the last that gives maps
    method='gradcam', mirror=False,  # as for `GradCAM`
    label=1,       # heat for pneumonia
    batch_size=32,
):
    "The images (n, size, size) uint8 and their heat (n, size, size) in 0..1, as NumPy arrays."
    dl = learn.dls.test_dl(items, bs=batch_size, num_workers=0)
    images, heat = [], []
    with GradCAM(learn.model, layers, method, mirror) as cam:
        for batch in dl:
            x = batch[0]
            images.append(dl.decode((x,))[0].as_subclass(torch.Tensor).cpu())
            heat.append(cam(x.as_subclass(torch.Tensor), label).cpu())
    return torch.cat(images)[:, 0].clamp(0, 255).byte().numpy(), torch.cat(heat).numpy()  # decoded: 0 to 255 again
