"The means of losses that fastai shows, on the loss's own device."
import torch
from fastai.learner import AvgLoss, AvgSmoothLoss
from fastai.torch_core import find_bs


class MeanLoss(AvgLoss):
    "fastai's, kept on the loss's own device too; a batch counts as its loss does, so that weighted images do not depend on their batch."
    def accumulate(self, learn):
        mass = learn.loss_func.mass(learn.y) if hasattr(learn.loss_func, 'mass') else find_bs(learn.yb)
        self.total = self.total + learn.to_detach(learn.loss.mean(), cpu=False) * mass
        self.count = self.count + mass


class SmoothLoss(AvgSmoothLoss):
    "fastai's, kept on the loss's own device."
    def accumulate(self, learn):
        self.count += 1
        loss = learn.loss.detach().mean()
        self.val = torch.lerp(loss, self.val.to(loss.device), self.beta)
