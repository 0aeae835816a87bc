"Members that others train, on the screen: what their folders say of them."
import threading
from contextlib import contextmanager

from ..errors import InputError
from ..runs.files import read_json
from ..runs.state import STATE
from .members import partial

PERIOD = 1  # seconds between two looks


@contextmanager
def watched(each, progress):
    """A line for each member that begins or ends, a bar of all, and one of its epochs for each in between. Yields what to call with (its
    folder, None or the error) when one has ended."""
    shown, left = Shown(each, progress), threading.Event()
    def look():
        while not left.wait(PERIOD): shown.look()
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try: yield shown.over
    finally:
        left.set()
        thread.join()
        for bar in shown.bars.values(): progress.remove_task(bar)


class Shown:
    "`look` and `over` are called by two threads."
    def __init__(self, each, progress):
        self.left, self.bars, self.progress, self.lock = {m.place: m for m in each}, {}, progress, threading.Lock()
        self.overall = progress.add_task('members', total=len(each), note='')

    def say(self, line): self.progress.console.print(line, markup=False, soft_wrap=True)

    def look(self):
        with self.lock:
            for place, member in self.left.items():
                if not begun(place): continue
                if place not in self.bars:
                    self.say(f'{place.name}: begun')
                    self.bars[place] = self.progress.add_task(place.name, total=member.experiment.epochs, note='')
                self.progress.update(self.bars[place], completed=epochs(place))

    def over(self, place, error):
        with self.lock:
            self.left.pop(place)
            if place in self.bars: self.progress.remove_task(self.bars.pop(place))
            if not error: self.say(f'{place.name}: done')
            self.progress.advance(self.overall)


def begun(place) -> bool:
    try: return read_json(partial(place)/STATE).get('state') == 'running'
    except (InputError, OSError): return False


def epochs(place) -> int:
    "So many are in its history."
    try: return max(0, (partial(place)/'history.csv').read_bytes().count(b'\n') - 1)
    except OSError: return 0
