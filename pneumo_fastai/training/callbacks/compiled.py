"Training steps through the network as `torch.compile` makes it."
import torch
from fastai.callback.core import Callback

from ...errors import InputError


class CompiledStep(Callback):
    """A training step's forward and backward as `torch.compile` makes them, on a GPU replayed as captured graphs. Validation, predictions
    and maps go through the network itself. What hooks inside the network do in the first step is compiled with it. Each fit compiles anew,
    and forgets all else that was compiled: what was for another learner would be taken for this one, whatever its hooks."""
    order = 1000  # the last before the forward: those that put a hook on, or cancel the batch, have done so
    _stateattrs = ('quick',)  # not to be pickled
    def __init__(self, **how): self.how = how or dict(mode='reduce-overhead')  # as for `torch.compile`

    def before_train(self):
        if self.epoch == 0: torch.compiler.reset()
        self.quick = torch.compile(self.model.forward, dynamic=False, **self.how)

    def before_batch(self):
        if self.training: self.model.forward = self._forward

    def _forward(self, x):
        from torch._dynamo.exc import TorchDynamoException
        del self.model.forward  # first: whatever happens now, all others see the network itself
        torch.compiler.cudagraph_mark_step_begin()
        try: return self.quick(x).clone()  # the next step's replay writes over what this one gives
        except TorchDynamoException as e:
            cause = getattr(e, 'inner_exception', e)
            why = (str(cause) or type(cause).__name__).splitlines()[0]
            raise InputError(f'the network cannot be compiled here ({why}); leave out --compiled') from e
