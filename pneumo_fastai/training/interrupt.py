"Stopping when it suits: SIGINT, or SIGTERM as Slurm sends it, asks for it; a second one stops at once."
import os
import signal
import threading
from contextlib import contextmanager, suppress

from ..processes import rank, world
from ..writing import write

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


class StopFile(Stop):
    "A `Stop` that processes share, on one machine or several that see the same files: whoever sets `signal` asks all of them."
    def __init__(self, file): self.file, self.own = file, None

    @property
    def signal(self):
        if self.own: return self.own
        try: return int(self.file.read_text(encoding='utf-8'))
        except (OSError, ValueError): return None

    @signal.setter
    def signal(self, number):
        self.own = int(number)
        with suppress(OSError): write(self.file, str(self.own))


@contextmanager
def stoppable(stop=None):
    "Yields the `Stop`, a new one unless given, that signals ask. Outside of the main thread, which alone hears them, nothing does."
    stop = stop or Stop()
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
