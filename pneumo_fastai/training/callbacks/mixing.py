"Training on mixtures of two images: fastai's MixUp and CutMix, with the loss of an image that has two labels."
import torch
from fastai.callback import mixup
from fastai.layers import NoneReduce


class TwoLabels:
    """The losses of both labels over the weights of both, each by its share, as a weighted mean is; fastai divides by the number of
    images, and a step would be the longer the more of the heavier class it has. To be derived from before fastai's class."""
    order = -20  # before the loss is looked at, and before `Precision` readies the batch
    stack_y = True  # the labels stay whole numbers
    def before_train(self): "The learner keeps its loss, also where training is interrupted."
    def after_train(self): "So nothing is to be put back."

    def after_loss(self):
        lam, loss = vars(self).pop('lam'), self.loss_func
        a, b = (y.as_subclass(torch.Tensor) for y in (*vars(self).pop('yb1'), self.y))
        with NoneReduce(loss) as each: mixed = torch.lerp(each(self.pred, a), each(self.pred, b), lam)
        self.mass = torch.lerp(loss.weigh(a), loss.weigh(b), lam).sum()
        self.learn.loss_grad = mixed.sum() / self.mass
        self.learn.loss = self.loss_grad.clone()


class MixUp(TwoLabels, mixup.MixUp): "Each image of a training batch is a mean of two, by shares of its own (Zhang et al. 2018)."
class CutMix(TwoLabels, mixup.CutMix): "Each image of a training batch has a rectangle of another (Yun et al. 2019)."
