import json
import subprocess
import sys

import pytest
from filelock import FileLock

from pneumo_fastai.errors import InputError
from pneumo_fastai.runs import state as states
from pneumo_fastai.runs.state import alone, check_done, kept, resumable, state


def test_a_run_says_how_it_ended_and_what_is_needed_to_go_on(tmp_path):
    (tmp_path/'experiment.toml').touch()
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
        if not error: continue
        with pytest.raises(InputError, match=f'not finished but {word}.*fit --resume {tmp_path} goes on'): check_done(tmp_path)
        assert resumable(tmp_path) == dict(data='demo', cache=None, experiment=None)


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
    with pytest.raises(InputError, match='running: it is being trained by another process; wait'): check_done(tmp_path)
    with pytest.raises(InputError, match='being trained by another'): resumable(tmp_path)
    with pytest.raises(InputError, match='another process; wait for it, or do that'), alone(tmp_path, 'do that'): pass
    process.kill()
    process.communicate()
    assert state(tmp_path) == ('interrupted', '')
    with alone(tmp_path): pass


def test_a_member_that_is_not_finished_is_gone_on_with_by_its_whole(tmp_path):
    place = tmp_path/'seed=0.partial'
    place.mkdir()
    (tmp_path/'experiment.toml').touch()
    with pytest.raises(KeyboardInterrupt), kept(tmp_path), kept(place): raise KeyboardInterrupt
    with pytest.raises(InputError, match=f'--resume {tmp_path} goes on'): check_done(place)
    with pytest.raises(InputError, match=f'is a part of {tmp_path}; give that'): resumable(place)
    with kept(place), FileLock(tmp_path/'lock'): assert state(place) == ('running', '')


def test_what_ended_before_its_recipe_was_written_is_not_said_to_go_on(tmp_path):
    with pytest.raises(KeyboardInterrupt), kept(tmp_path): raise KeyboardInterrupt
    for ask in (check_done, resumable):
        with pytest.raises(InputError, match=r'no state\.json and recipe of a run that was begun') as e: ask(tmp_path)
        assert 'goes on' not in str(e.value)


def test_a_folder_that_says_nothing_or_has_its_sums_passes(tmp_path):
    check_done(tmp_path)
    (tmp_path/'state.json').write_text('{"state": "running"}')
    (tmp_path/'SHA256SUMS').touch()
    check_done(tmp_path)
    assert state(tmp_path) == ('done', '')
    with pytest.raises(InputError, match='is finished'): resumable(tmp_path)
