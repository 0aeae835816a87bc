"Free memory goes back to the system while training."
from fastai.callback.core import Callback

from ...memory import give_back


class GiveBack(Callback):
    """Every `every` steps, and after each epoch, free memory goes back to the system. glibc's `posix_memalign`, which torch calls, cannot
    take a freed block for another of its size (glibc bug 14581): what `memory.keep_freed` keeps would grow by some MB a step. Between
    forward and backward most of what a step needs is in use, and little is given back that is asked for at once."""
    def __init__(self, every=10): self.every = every

    def after_loss(self):
        if self.training and not (self.train_iter + 1) % self.every: give_back()

    def after_epoch(self): give_back()
