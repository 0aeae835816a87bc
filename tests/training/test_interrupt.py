import os
import signal
import threading

import pytest

from pneumo_fastai.training.interrupt import Interrupted, StopFile, stoppable


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_stops(number, capfd):
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as e, stoppable() as stop:
        assert stop.signal is None
        os.kill(os.getpid(), number)
        assert stop.signal == number
        os.kill(os.getpid(), number)
    assert e.value.signal == number and signal.getsignal(number) is before and 'once more' in capfd.readouterr().err


def test_in_another_thread_there_is_nothing_to_hear():
    found = []
    def there():
        with stoppable() as stop: found.append(stop.signal)
    thread = threading.Thread(target=there)
    thread.start()
    thread.join()
    assert found == [None]


def test_a_stop_in_a_file_is_heard_by_all(tmp_path):
    mine, others = (StopFile(tmp_path/'stop') for _ in range(2))
    assert mine.signal is others.signal is None
    with stoppable(mine) as stop, pytest.raises(Interrupted):
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop is mine and mine.signal == others.signal == signal.SIGTERM
        os.kill(os.getpid(), signal.SIGTERM)
    (tmp_path/'stop').unlink()
    assert mine.signal and others.signal is None  # who asked knows it, though it could not be written
