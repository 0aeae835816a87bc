"Teaching the class activation map where readers drew boxes."
import torch
import torch.nn.functional as F
from fastai.callback.core import Callback

from ...errors import InputError


def class_map(
    maps,       # (n, channels, h, w): the last ones
    linear,     # the network's last layer; between the two is a mean over places
    label=1,
) -> torch.Tensor:
    "(n, h, w): what each place says for class `label`; Grad-CAM of the last maps, before its ReLU (Selvaraju et al. 2017, section 3.1)."
    return torch.einsum('nchw,c->nhw', maps.float(), linear.weight[label].float())


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
    """Adds `weight` times `outside` to what a training step descends; the loss that is shown and kept stays the cross-entropy. For
    networks that end in `avgpool` and `fc`. The masks come at the end of its own training batches (`BatchDL.masked`)."""
    order = -10  # before the loss is looked at
    def __init__(self, weight): self.weight = weight

    def before_train(self): self.dl.masked = True

    def before_batch(self):
        self._leave()  # a step that raised may have left it on
        if not self.training: return
        if len(self.yb) < 2: raise InputError('the batches have no boxes; give get_dls the experiment with box_guidance')
        self.masks = self.yb[1]
        self.learn.yb = self.yb[:1]
        self.hook = self.model.avgpool.register_forward_pre_hook(self._keep)

    def _keep(self, module, inputs): self.pooled = inputs[0]

    def after_pred(self): self._leave()
    def after_cancel_batch(self): self._leave()

    def _leave(self):
        if hook := self.__dict__.pop('hook', None): hook.remove()

    def after_loss(self):
        if not self.training: return
        masks, labels = (t.as_subclass(torch.Tensor) for t in (self.masks, self.y))
        self.learn.loss_grad = self.loss_grad + self.weight * outside(class_map(self.pooled, self.model.fc), masks, labels)
        del self.masks, self.pooled
