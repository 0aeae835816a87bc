"Several windows at once: all are answered, and their memory comes back."
import time
from pathlib import Path

import pytest

from pneumo_fastai.page.served import SETTINGS

WINDOWS, EACH = 5, 4
BACK = 40  # MB: less than half of what was given
KEPT = SETTINGS['server.disconnectedSessionTTL']  # seconds


def resident(process): return int(next(line for line in Path(f'/proc/{process.pid}/status').read_text().splitlines()
                                       if line.startswith('VmRSS')).split()[1]) / 1024  # MB


def films_given(windows, upload, paths):
    for i, page in enumerate(windows):
        page.set_default_timeout(300_000)
        upload(page, *paths[EACH * i:EACH * (i + 1)])  # none waits for another
    for page in windows: page.get_by_role('tab', name=f'All {EACH}').wait_for()
    return [page.get_by_role('heading', level=2, name='Called').count() for page in windows]


@pytest.mark.slow
def test_twenty_uploads_at_once_are_answered_and_their_memory_comes_back(window, upload, served, films, tmp_path):
    paths = sorted(films.rglob('*.png'))[:WINDOWS * EACH]
    heavy = [tmp_path/f'{i}.png' for i in range(len(paths))]
    for path, to in zip(paths, heavy, strict=True): to.write_bytes(path.read_bytes() + bytes(5_000_000))  # 100 MB in all
    warm = [window() for _ in range(WINDOWS)]
    assert films_given(warm, upload, paths) == [1] * WINDOWS
    for page in warm: page.close()
    time.sleep(KEPT + 5)
    before, windows = resident(served.process), [window() for _ in range(WINDOWS)]
    assert films_given(windows, upload, heavy) == [1] * WINDOWS
    during = resident(served.process)
    for page in windows: page.close()
    end = time.monotonic() + KEPT + 60
    while (after := resident(served.process)) > before + BACK and time.monotonic() < end: time.sleep(2)
    print(f'{before:.0f} MB before, {during:.0f} MB with {len(paths)} uploads of 5 MB, {after:.0f} MB after')
    assert during > before + 2*BACK and after <= before + BACK
