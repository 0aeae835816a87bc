"How long training took, and how fast it was."
import time

from fastai.callback.core import Callback

from ...processes import world
from ..precision import wait


class Stopwatch(Callback):
    """`taken`, of all fits together: seconds, from the begin of the first epoch to the end of the last; steps_seconds, those of
    them that training steps took, the first ones, in which a device warms up, among them; images, how many these steps had. The rest is
    validation and what follows it."""
    order = -20  # before what others do at the begin of an epoch

    def __init__(self): self.taken = dict(seconds=0., steps_seconds=0., images=0)
    def before_fit(self): self.ended = self.started = None

    def before_epoch(self):
        if self.ended is None: self.ended = time.perf_counter()

    def before_train(self): self.started = time.perf_counter()

    def after_batch(self):
        if self.training: self.taken['images'] += len(self.yb[0]) * world()

    def after_train(self):
        wait()
        self.taken['steps_seconds'] += time.perf_counter() - self.started
        self.started = None

    def after_epoch(self):
        before, self.ended = self.ended, time.perf_counter()
        self.taken['seconds'] += self.ended - before

    def state(self):
        "With what of an epoch has been."
        now = time.perf_counter()
        more = dict(seconds=now - self.ended, steps_seconds=now - self.started if self.started else 0.)
        return {k: v + more.get(k, 0) for k, v in self.taken.items()}

    def resume(self, state): self.taken.update(state)
