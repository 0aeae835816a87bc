"What a worker process does besides its work: end when there is no one left to work for."
import os
import threading
import time


def end_with(parent):
    "In a worker: end when the process `parent`, which started it, is gone, however it went. Its idle workers would wait for minutes."
    def watch():
        while os.getppid() == parent: time.sleep(.5)
        os._exit(1)
    if os.name == 'posix': threading.Thread(target=watch, daemon=True).start()
