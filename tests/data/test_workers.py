"A run that is killed while it decodes leaves no process behind."
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumo_fastai.data import cache

CODE = '''
import os, sys
from pathlib import Path
from pneumo_fastai.data.cache import open_pixels

def children():
    for stat in Path('/proc').glob('[0-9]*/stat'):
        try: parent = int(stat.read_text().rpartition(')')[2].split()[1])
        except OSError: continue
        if parent == os.getpid(): yield stat.parent.name

def tick(*_):
    print(*children(), flush=True)
    os.kill(os.getpid(), int(sys.argv[1]))

open_pixels(sorted(Path(sys.argv[2]).glob('*.png')), 32, folder=sys.argv[2] + '/cache', jobs=2, tick=tick)
'''


def lives(process):
    "Whether it is there and does something: one that has ended waits for its parent to notice."
    try: return Path(f'/proc/{process}/stat').read_text().rpartition(')')[2].split()[0] not in 'ZX'
    except OSError: return False


@pytest.mark.skipif(not Path('/proc/self/stat').exists(), reason='no /proc here to see processes in')
@pytest.mark.parametrize('how', [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_the_process_that_started_them(tmp_path, how):
    film = Image.fromarray(np.zeros((8, 8), np.uint8))
    for i in range(12 * cache.CHUNK): film.save(tmp_path/f'{i:03}.png')
    with (tmp_path/'out').open('w') as out:     # a pipe would be open for as long as anyone who is left holds it
        done = subprocess.run([sys.executable, '-c', CODE, str(int(how)), str(tmp_path)], stdout=out, check=False)
    started = (tmp_path/'out').read_text().splitlines()[0].split()
    assert done.returncode == -how and len(started) >= 2
    until = time.monotonic() + 20
    while (left := [p for p in started if lives(p)]) and time.monotonic() < until: time.sleep(.1)
    for p in left: os.kill(int(p), signal.SIGKILL)
    assert not left
