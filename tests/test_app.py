"The command: what it says before there is a page, and that it ends when it is told to."
import signal
import subprocess
import sys
import time
from urllib.request import urlopen

import pytest

from pneumo_fastai.app import app
from pneumo_fastai.cli import run
from pneumo_fastai.page.served import free


def test_without_streamlit_one_line_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    assert run(app, [str(tmp_path)]) == 2
    assert capsys.readouterr().err == 'error: the page needs Streamlit; pip install "pneumo_fastai[app]" adds it\n'


@pytest.mark.parametrize('argv, says', [(['nowhere'], 'nowhere'), (['nowhere', '--port', '0'], 'port is 0')])
def test_what_is_no_run_or_no_port_gets_one_line_and_status_2(argv, says, capsys, monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: name)
    assert run(app, argv) == 2
    err = capsys.readouterr().err
    assert err.startswith('error: ') and err.count('\n') == 1 and says in err


def test_it_prints_its_address_and_ends_at_ctrl_c(explainable_once, films, tmp_path):
    pytest.importorskip('streamlit', reason='streamlit is not installed')
    port = free(18401, 99)
    with (tmp_path/'said').open('w') as said:
        process = subprocess.Popen([sys.executable, '-m', 'pneumo_fastai.app', explainable_once(99, True, films), '--port', str(port)],
                                   stdout=said, stderr=subprocess.STDOUT, cwd=tmp_path, start_new_session=True)
    for _ in range(600):
        try: assert urlopen(f'http://127.0.0.1:{port}').status == 200
        except OSError: time.sleep(.2)
        else: break
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    said = (tmp_path/'said').read_text()
    assert f'http://127.0.0.1:{port}' in said and 'Traceback' not in said and 'not for diagnosis' in said
