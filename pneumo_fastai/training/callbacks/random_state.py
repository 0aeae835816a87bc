"What draws random numbers beside training leaves no trace in it."
from contextlib import contextmanager

import torch
from fastai.callback.core import Callback
from fastai.torch_core import get_random_states, set_random_states, set_seed

from ...processes import rank


@contextmanager
def random_state_kept(dls):
    "Python's, NumPy's, torch's and the loaders' random state afterwards as before."
    before, loaders = get_random_states(), [dl.rng.getstate() for dl in dls.loaders]
    try: yield
    finally:
        set_random_states(**before)
        for dl, state in zip(dls.loaders, loaders, strict=True): dl.rng.setstate(state)


def drawn_apart():
    "From here on each process but the first draws numbers of its own, which follow from the state that it had in common with the first."
    if rank(): set_seed(torch.randint(2**31, ()).item() + rank())


class KeepRandomState(Callback):
    "After `lr_find`, which restores weights and optimiser itself, the random state is as it was too."
    order = -10
    def before_fit(self):
        if hasattr(self, 'lr_finder'):
            self.keep = random_state_kept(self.dls)
            self.keep.__enter__()

    def after_fit(self):
        if keep := self.__dict__.pop('keep', None): keep.__exit__(None, None, None)
