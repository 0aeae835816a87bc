"A run to look at, with and without scored heatmaps; and its page, served and looked at in a browser, where both are installed."
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from urllib.request import urlopen

import pytest

from pneumo_fastai.page.served import free
from pneumo_fastai.page.subject import opened


@pytest.fixture
def subject(explainable): return opened(explainable())


@pytest.fixture
def explained(explainable, undrawn):
    from pneumo_fastai.explain.evaluation import explain_run
    explain_run(folder := explainable('explained'), n_boot=5)
    return opened(folder)


@pytest.fixture
def raw(films): return sorted(films.rglob('person*.png'))[0].read_bytes()


@pytest.fixture(scope='session')
def served(explainable_once, films, tmp_path_factory):
    "The page of a small run in a process of its own: its address, process, home (also its folder for temporary files), and what it prints."
    pytest.importorskip('streamlit', reason='streamlit is not installed')
    home, folder = tmp_path_factory.mktemp('home'), explainable_once(99, True, films)
    with serving(folder, home) as page: yield page


@contextmanager
def serving(folder, home, port=None):
    port = port or free(18501, 500)
    env = os.environ | dict(HOME=str(home), TMPDIR=str(home), XDG_CACHE_HOME=str(home), PYTHONUNBUFFERED='1')
    with (home/'said').open('w') as said:
        process = subprocess.Popen([sys.executable, '-m', 'pneumo_fastai.app', folder, '--port', str(port)], cwd=home, env=env, stdout=said,
                                   stderr=subprocess.STDOUT, start_new_session=True)
    page = SimpleNamespace(url=f'http://127.0.0.1:{port}', process=process, home=home, folder=folder, said=(home/'said').read_text,
                           process_files=lambda: list(Path(f'/proc/{process.pid}/fd').iterdir()))
    try:
        wait(lambda: answers(page.url), process)
        yield page
    finally:
        process.send_signal(signal.SIGINT)
        try: process.wait(20)
        except subprocess.TimeoutExpired: process.kill()


def answers(url):
    try: return urlopen(f'{url}/_stcore/health', timeout=5).status == 200
    except OSError: return False


def wait(until, process=None, seconds=120):
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end and (process is None or process.poll() is None)
        time.sleep(.2)


@pytest.fixture(scope='session')
def browser():
    api = pytest.importorskip('playwright.sync_api', reason='playwright is not installed')
    found = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
    if found is None: pytest.skip('no Chromium is installed')
    with api.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=found, args=['--no-sandbox'])
        yield browser
        browser.close()


@pytest.fixture
def window(browser, served):
    "Opens the page in a new window; `asked` has the address of all that it asked for. In the end no log has a name or an error."
    contexts, asked = [], []
    def open_window(path='', **how):
        contexts.append(context := browser.new_context(**how))
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on('request', lambda r: asked.append(r.url))
        page.goto(served.url + path)
        page.get_by_role('note').wait_for()
        return page
    open_window.asked = asked
    yield open_window
    for context in contexts: context.close()
    assert all(url.startswith((served.url, served.url.replace('http', 'ws'), 'data:', 'blob:', 'about:')) for url in asked), asked
    assert 'Traceback' not in served.said() and 'person' not in served.said()


@pytest.fixture
def upload():
    "Gives files to a window: paths, or (name, bytes)."
    def give(page, *files):
        page.locator('input[type=file]').set_input_files([f if not isinstance(f, tuple) else dict(
            name=f[0], mimeType='application/octet-stream', buffer=f[1]) for f in files])
    return give
