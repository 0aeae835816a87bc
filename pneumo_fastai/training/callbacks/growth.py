"Training images that grow."
import torch.nn.functional as F
from fastai.callback.core import Callback

STEP, SHARE = 32, 2/3  # pixels that sizes are multiples of; and the share of the epochs after which it is the full size


def size_at(epoch, epochs, start, full) -> int:
    "The side in pixels: from `start` in a straight line, rounded down, to `full`, which the last epoch has."
    growing = int(epochs * SHARE)
    if epoch >= growing: return full
    return max(start, int(start + (full - start) * epoch / growing) // STEP * STEP)


class Growth(Callback):
    "Training batches are made smaller, on their device, at first to `start` x `start` pixels (Howard 2018). Not for `lr_find`."
    order = -30  # before images are mixed
    run_valid = False
    def __init__(self, start): self.start = start

    def before_batch(self):
        full = self.x.shape[-1]
        size = full if hasattr(self, 'lr_finder') else size_at(self.epoch, self.n_epoch, self.start, full)
        if size == full: return
        self.learn.xb = tuple(F.interpolate(x, size=(size, size), mode='bilinear', antialias=True) for x in self.xb)
