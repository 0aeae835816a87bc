"Teaching the class activation map where readers drew boxes."
from functools import partial

import torch
import torch.nn.functional as F
from fastai.callback.core import Callback

from ...errors import InputError
from ...explain.gradcam import evaluating


def class_map(
    maps,  # (n, channels, h, w): the last ones
    head,  # the network's, from these maps to its logits; autocast is off, and dropout where the map is to be that of a prediction
    label=1,
) -> torch.Tensor:
    """(n, h, w): what each place says for class `label`, as if all were like it; where a mean over places and a linear layer follow,
    Grad-CAM before its ReLU (Selvaraju et al. 2017, section 3.1). It can be differentiated itself."""
    maps = maps.float()
    if not maps.requires_grad: maps = maps.detach().requires_grad_()  # where all before the head is frozen
    gradient, = torch.autograd.grad(head(maps)[:, label].sum(), maps, create_graph=True)
    return (gradient * maps).sum(1) * maps[0, 0].numel()


def outside(
    heat,   # (n, h, w) class maps
    masks,  # (n, H, W), 1 in a box
    labels, # (n,)
) -> torch.Tensor:
    """Cross-entropy between the softmax of a class map over its places and an even spread over the boxes of that image; the mean over the
    batch, in which images without pneumonia or without boxes count 0. Adding the same to all places changes nothing: how sure the
    network is stays the labels' business."""
    share = F.adaptive_avg_pool2d(masks.float()[:, None], heat.shape[1:]).flatten(1) * (labels == 1)[:, None]
    target = share / share.sum(1, keepdim=True).clamp(min=1e-6)
    return -(target * heat.flatten(1).log_softmax(1)).sum() / len(heat)


class BoxGuidance(Callback):
    """Adds `weight` times `outside` to what a training step descends; the loss that is shown and kept stays the cross-entropy. The
    maps are what the network hands to its `head`. The masks come at the end of its own training batches (`BatchDL.masked`)."""
    order = -10  # before the loss is looked at
    def __init__(self, weight): self.weight = weight

    def before_train(self): self.dl.masked = True

    def before_batch(self):
        self._leave()  # a step that raised may have left it on
        if not self.training: return
        if len(self.yb) < 2: raise InputError('the batches have no boxes; give get_dls the experiment with box_guidance')
        self.masks = self.yb[1]
        self.learn.yb = self.yb[:1]
        self.model.head = partial(self._keep, self.model.head)

    def _keep(self, head, maps):
        self.handed = maps
        return head(maps)

    def after_pred(self): self._leave()
    def after_cancel_batch(self): self._leave()

    def _leave(self): vars(self.model).pop('head', None)

    def after_loss(self):
        if not self.training: return
        masks, labels = (t.as_subclass(torch.Tensor) for t in (self.masks, self.y))
        with evaluating(self.model): heat = class_map(self.handed, self.model.head)  # no other dropout, no norm that counts them twice
        self.learn.loss_grad = self.loss_grad + self.weight * outside(heat, masks, labels)
        del self.masks, self.handed
