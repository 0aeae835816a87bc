"Stopping when it suits: SIGINT, or SIGTERM as Slurm sends it, asks for it; a second one stops at once."
import os
import signal
import threading
from contextlib import contextmanager

from ..processes import rank, world

SIGNALS = signal.SIGINT, signal.SIGTERM
SAID = b'\nstopping after this step (of validation: after it) with what is learnt kept; once more stops at once\n'


class Interrupted(KeyboardInterrupt):
    "Its message is the line that a command ends with, `signal` the one that asked for it."
    def __init__(self, message='', number=signal.SIGINT):
        super().__init__(message)
        self.signal = number


class Stop:
    "`signal` is that which asked to stop, None as long as none has."
    signal = None


@contextmanager
def stoppable():
    "Yields the `Stop` that signals ask. Outside of the main thread, which alone hears them, nothing does."
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    def asked(number, frame):
        if stop.signal and world() == 1: raise Interrupted(number=number)  # several stop together, and torchrun kills after 30 s
        stop.signal = number
        if not rank(): os.write(2, SAID)
    before = {s: signal.signal(s, asked) for s in SIGNALS}
    try: yield stop
    finally:
        for s, handler in before.items(): signal.signal(s, handler)
