"Training steps through the network as `torch.compile` makes it."
import torch
from fastai.callback.core import Callback

from ..errors import InputError


class CompiledStep(Callback):
    """A training step's forward and backward as `torch.compile` makes them, on a GPU replayed as captured graphs. Validation, predictions
    and maps go through the network itself. What hooks inside the network do is compiled with it: they are to be on from the first step."""
    order = 20  # after those that put a hook on
    def __init__(self, **how): self.how = how or dict(mode='reduce-overhead')  # as for `torch.compile`

    def before_train(self): self.quick = torch.compile(self.model.forward, dynamic=False, **self.how)

    def before_batch(self):
        self._leave()  # a step that raised may have left it on
        if not self.training: return
        torch.compiler.cudagraph_mark_step_begin()
        self.model.forward = self._forward

    def _forward(self, x):
        from torch._dynamo.exc import TorchDynamoException
        try: return self.quick(x)
        except TorchDynamoException as e:
            why = f'{getattr(e, "inner_exception", e)}'.splitlines()[0]
            raise InputError(f'the network cannot be compiled here ({why}); leave out --compiled') from e

    def after_pred(self): self._leave()
    def after_cancel_batch(self): self._leave()
    def _leave(self): self.model.__dict__.pop('forward', None)
    def after_train(self): del self.quick
