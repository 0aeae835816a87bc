"Class activation maps from one hook for activations and gradients: Grad-CAM and three of its kin."
from contextlib import ExitStack

import torch
import torch.nn.functional as F
from torch.autograd.graph import get_gradient_edge

from ..errors import InputError


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


class GradCAM:
    """Hooks on one layer of a model or on several, for the time of a `with`:

        with GradCAM(model) as cam: heat = cam(x)

    Afterwards the model's hooks, mode and gradients are as they were, also after an exception. Works inside `torch.no_grad` and
    `torch.autocast`. Raises `InputError` for a layer or method that does not exist, listing those that do."""
    def __init__(
        self, model,
        layers=None,       # a name, or several to fuse; None: `last_maps`
        method='gradcam',  # of METHODS
        mirror=False,      # the mean with the map of the mirrored image, turned back: less noise at twice the cost
    ):
        self.model, self.layers = model, [layers] if isinstance(layers, str) else list(layers or last_maps(model))
        self.modules = dict(model.named_modules())
        if method not in METHODS: raise InputError(f'there is no method {method!r}; there are: {", ".join(METHODS)}')
        for layer in self.layers:
            if not layer or layer not in self.modules:
                raise InputError(f'the model has no layer {layer!r}; there are: {", ".join(k for k in self.modules if k)}')
        self.method, self.mirror, self.kept = method, mirror, None  # a list of (activations, edge) during a pass of our own

    def __enter__(self):
        with ExitStack() as stack:
            stack.enter_context(evaluating(self.model))  # batch statistics would mix the images of a batch
            for layer in self.layers: stack.enter_context(self.modules[layer].register_forward_hook(self._keep))
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *error):
        self.stack.close()

    def _keep(self, module, inputs, output):
        "The forward hook: what the layer gives, and the edge of the graph at which its gradient will arrive."
        if self.kept is None: return None
        if not output.requires_grad: output = output.detach().requires_grad_().clone()  # of a frozen model; a leaf bears no in-place ReLU
        self.kept.append((output, get_gradient_edge(output)))  # now: an in-place ReLU that follows would move the edge
        return output

    def by_method(self, x, methods, label=1) -> dict[str, list[torch.Tensor]]:
        "`maps` by each of some METHODS, from one pass."
        maps = self._maps(x, methods, label)
        if not self.mirror: return maps
        turned = self._maps(x.flip(-1), methods, label)
        return {k: [scaled(m + t.flip(-1)) for m, t in zip(maps[k], turned[k], strict=True)] for k in methods}

    def _maps(self, x, methods, label):
        self.kept = kept = []
        try:
            with torch.enable_grad():
                score = self.model(x)[:, label].sum()  # each image's score depends on that image alone
                gradients = torch.autograd.grad(score, [edge for _, edge in kept])  # leaves the parameters' .grad alone
        finally: self.kept = None
        pairs = [(a.detach().float(), g.float()) for (a, _), g in zip(kept, gradients, strict=True)]
        return {k: [scaled(METHODS[k](a, g)) for a, g in pairs] for k in methods}

    def maps(self, x, label=1) -> list[torch.Tensor]:
        "The map of each layer, (n, h, w) in 0..1 at that layer's own resolution, for what speaks for class `label` in (n, c, H, W) inputs."
        return self.by_method(x, [self.method], label)[self.method]

    def __call__(self, x, label=1) -> torch.Tensor:
        "Heat in 0..1, (n, H, W), for what speaks for class `label` in (n, c, H, W) inputs; all 0 where nothing does."
        return fused(self.maps(x, label), x.shape[-2:])


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
    model,
    size=64,  # of the blank image that is sent through
) -> list[str]:
    "The layer that gives the last maps of more than one place; of an `Ensemble`, that of each member. Found by a blank image."
    seen, first = [], next(model.parameters())
    names = {m: k for k, m in model.named_modules() if k}
    members = getattr(model, 'members', None)
    if members is not None: return [f'members.{i}.{layer}' for i, m in enumerate(members) for layer in last_maps(m, size)]
    def note(module, inputs, output):
        if torch.is_tensor(output) and output.ndim == 4 and output[0, 0].numel() > 1: seen.append(names[module])
    with ExitStack() as stack:
        stack.enter_context(evaluating(model))
        for module in names: stack.enter_context(module.register_forward_hook(note))
        model(torch.zeros(2, first.shape[1], size, size, device=first.device))
    if not seen: raise InputError('the model has no layer whose output is a map; name one that does')
    return seen[-1:]


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
