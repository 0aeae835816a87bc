import json
import subprocess
import sys

import pytest
from filelock import FileLock

from pneumo_fastai.errors import InputError
from pneumo_fastai.runs import state as states
from pneumo_fastai.runs.state import alone, check_done, kept, state


def test_a_run_says_how_it_ended_and_what_is_needed_to_go_on(tmp_path):
    ends = ((None, 'done', ''), (KeyboardInterrupt(), 'interrupted', ''), (OSError('no\nspace'), 'failed', 'no space'),
            (ValueError(), 'failed', 'ValueError'))
    for error, word, why in ends:
        try:
            with kept(tmp_path, data='demo'):
                assert json.loads((tmp_path/'state.json').read_text())['state'] == 'running'
                check_done(tmp_path)  # by the process that works on it
                if error: raise error
        except BaseException as e: assert e is error
        assert state(tmp_path) == (word, why) and states.about(tmp_path) == {'data': 'demo'}
        if error:
            with pytest.raises(InputError, match=f'not finished but {word}.*fit --resume {tmp_path} goes on'): check_done(tmp_path)


def test_what_was_killed_is_interrupted_and_what_another_process_trains_is_running(tmp_path):
    code = f"""
from pathlib import Path
from pneumo_fastai.runs.state import alone, kept
folder = Path({str(tmp_path)!r})
with alone(folder), kept(folder):
    print("in", flush=True)
    input()
"""
    process = subprocess.Popen([sys.executable, '-c', code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'in\n'
    assert state(tmp_path) == ('running', '')
    with pytest.raises(InputError, match='being trained; wait'): check_done(tmp_path)
    with pytest.raises(InputError, match='another process; wait for it, or do that'), alone(tmp_path, 'do that'): pass
    process.kill()
    process.communicate()
    assert state(tmp_path) == ('interrupted', '')
    with alone(tmp_path): pass


def test_a_member_that_is_not_finished_is_gone_on_with_by_its_whole(tmp_path):
    place = tmp_path/'seed=0.partial'
    place.mkdir()
    with pytest.raises(KeyboardInterrupt), kept(place): raise KeyboardInterrupt
    with pytest.raises(InputError, match=f'--resume {tmp_path} goes on'): check_done(place)
    with kept(place), FileLock(tmp_path/'lock'): assert state(place) == ('running', '')


def test_a_folder_that_says_nothing_or_has_its_sums_passes(tmp_path):
    check_done(tmp_path)
    (tmp_path/'state.json').write_text('{"state": "running"}')
    (tmp_path/'SHA256SUMS').touch()
    check_done(tmp_path)
    assert state(tmp_path) == ('done', '')
