"What draws random numbers beside training leaves no trace in it."
import random
from contextlib import contextmanager

import numpy as np
import torch
from fastai.callback.core import Callback


@contextmanager
def random_state_kept(dls):
    "Python's, NumPy's, torch's and the loaders' random state afterwards as before."
    before = random.getstate(), np.random.get_state(), torch.get_rng_state(), [dl.rng.getstate() for dl in dls.loaders]
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    try: yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])
        for dl, state in zip(dls.loaders, before[3], strict=True): dl.rng.setstate(state)
        if cuda: torch.cuda.set_rng_state_all(cuda)


class KeepRandomState(Callback):
    "After `lr_find`, which restores weights and optimiser itself, the random state is as it was too."
    order = -10
    def before_fit(self):
        if hasattr(self, 'lr_finder'):
            self.keep = random_state_kept(self.dls)
            self.keep.__enter__()

    def after_fit(self):
        if keep := self.__dict__.pop('keep', None): keep.__exit__(None, None, None)
