"Grad-CAM (Selvaraju et al. 2017, arXiv:1610.02391)."
import torch
import torch.nn.functional as F

from ..errors import InputError


class GradCAM:
    """Hooks on one layer of a model, for the time of a `with`:

        with GradCAM(model, 'layer4') as cam: heat = cam(x)

    Afterwards the model's hooks, mode and gradients are as they were, also after an exception.
    Raises `InputError` for a layer that does not exist, listing those that do."""
    def __init__(self, model, layer='layer4'):
        layers = dict(model.named_modules())
        if not layer or layer not in layers:
            raise InputError(f'the model has no layer {layer!r}; there are: {", ".join(k for k in layers if k)}')
        self.model, self.layer = model, layers[layer]

    def __enter__(self):
        self.modes = {m: m.training for m in self.model.modules()}
        self.model.eval()  # batch statistics would mix the images of a batch
        self.hook = self.layer.register_forward_hook(self._keep)
        return self

    def __exit__(self, *error):
        self.hook.remove()
        for module, training in self.modes.items(): module.training = training
        self.activations = self.gradients = None

    def _keep(self, module, inputs, output):
        "The forward hook; it hangs the backward hook on what the layer gave."
        self.activations = output if output.requires_grad else output.requires_grad_()
        self.activations.register_hook(lambda gradients: setattr(self, 'gradients', gradients))

    def __call__(self, x, label=1) -> torch.Tensor:
        "Heat in 0..1, (n, h, w), for what speaks for class `label` in (n, c, h, w) inputs; all 0 where nothing does."
        with torch.enable_grad():
            score = self.model(x)[:, label].sum()  # each image's score depends on that image alone
            torch.autograd.grad(score, self.activations)  # runs the hook, and leaves the parameters' .grad alone
        heat = cam(self.activations.detach().float(), self.gradients.float())
        heat = F.interpolate(heat[:, None], x.shape[-2:], mode='bilinear', align_corners=False)[:, 0]
        return heat / heat.amax((1, 2), keepdim=True).clamp_min(1e-12)


def cam(activations, gradients):
    "ReLU(sum_k a_k A_k), a_k the mean of the gradient over the k-th map: equations 1 and 2. (n, k, h, w) twice -> (n, h, w)."
    weights = gradients.mean((2, 3), keepdim=True)
    return F.relu((weights * activations).sum(1))


def show_gradcam(
    learn,           # a fastai `Learner`
    items,           # paths, or rows of the cohort's table
    layer='layer4',  # any layer by name
    label=1,         # heat for pneumonia
    batch_size=32,
):
    "The images (n, size, size) uint8 and their heat (n, size, size) in 0..1, as NumPy arrays."
    dl = learn.dls.test_dl(items, bs=batch_size, num_workers=0)
    images, heat = [], []
    with GradCAM(learn.model, layer) as cam:
        for batch in dl:
            x = batch[0]
            images.append(dl.decode((x,))[0].as_subclass(torch.Tensor).cpu())
            heat.append(cam(x.as_subclass(torch.Tensor), label).cpu())
    return (torch.cat(images)[:, 0].clamp(0, 1) * 255).round().byte().numpy(), torch.cat(heat).numpy()
