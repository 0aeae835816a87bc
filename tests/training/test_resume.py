"""Real processes, killed at random moments, gone on with by the command that they print: the same bytes as of one that never was.

`KILLS=50 pytest -m slow tests/training/test_resume.py` is the long one."""
import json
import os
import random
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get('KILLS', '5'))
FIT = sys.executable, '-m', 'pneumo_fastai.fit'
RECIPE = '--exp weighted --size 32 --epochs 3 --tta 1 --flip 0.5 --rotate 5 --precision float32'.split()
SAME = 'predictions.csv', 'augmented.csv', 'history.csv', 'split.csv', 'metrics.json', 'model/weights.safetensors'


def begun(folder): return next(iter(folder.iterdir()), None) if folder.is_dir() else None


def ended(process):
    out, _ = process.communicate(timeout=600)
    assert 'Traceback' not in out, out
    return process.returncode, out


def started(*argv): return subprocess.Popen([*FIT, *map(str, argv)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def reached(process, folder, checkpoints):
    "Waits until the run in `folder` has written so many checkpoints more, or a random moment after; whether the process is still there."
    def seen(): return {p.name for run in [begun(folder)] if run for p in run.glob('checkpoints/*')}
    before, count = seen(), 0
    while process.poll() is None and count < checkpoints:
        now = seen()
        count += bool(now - before)
        before = now
        time.sleep(.01)
    return process.poll() is None


@pytest.fixture(scope='module')
def data(films, tmp_path_factory):
    here = tmp_path_factory.mktemp('resume')
    return ['--data', films, '--cache', here/'cache']


@pytest.fixture(scope='module')
def whole(data, tmp_path_factory):
    "The run that nothing stopped."
    out = tmp_path_factory.mktemp('whole')
    assert ended(started(*RECIPE, *data, '--out', out))[0] == 0
    return begun(out)


@pytest.fixture(scope='module')
def lasts(whole, data, tmp_path_factory):
    "Seconds that a run takes which writes a checkpoint after each step."
    start = time.monotonic()
    assert ended(started(*RECIPE, *data, '--minutes', 0, '--out', tmp_path_factory.mktemp('lasts')))[0] == 0
    return time.monotonic() - start


def is_done(run): return run and json.loads((run/'state.json').read_text())['state'] == 'done'


def check_same(whole, run):
    for name in SAME: assert (whole/name).read_bytes() == (run/name).read_bytes(), name
    assert json.loads((run/'state.json').read_text())['state'] == 'done' and not (run/'checkpoints').exists()
    subprocess.run(['sha256sum', '--quiet', '-c', 'SHA256SUMS'], cwd=run, check=True)


def test_killed_again_and_again_it_ends_with_the_same_bytes(whole, lasts, data, tmp_path):
    """At any moment from its start to its end, of a run that writes a checkpoint after each step; one that got to its end is compared, and
    the next begins."""
    draw, kills = random.Random(KILLS), 0
    for number in count():
        if kills == KILLS: break
        out = tmp_path/str(number)
        while not is_done(begun(out)):
            now = ['--resume', begun(out)] if begun(out) else [*RECIPE, *data, '--out', out]
            process = started(*now, '--minutes', 0)
            try: said, _ = process.communicate(timeout=draw.uniform(0, lasts) if kills < KILLS else None)
            except subprocess.TimeoutExpired:
                process.kill()
                said, _ = process.communicate()
                kills += 1
            assert process.returncode in (0, -signal.SIGKILL), said
        check_same(whole, begun(out))
        print(f'{kills} kills in {number + 1} runs')


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_step_and_the_line_that_it_prints_goes_on(whole, data, tmp_path, number):
    process = started(*RECIPE, *data, '--out', tmp_path/'runs', '--minutes', 0)
    assert reached(process, tmp_path/'runs', 2)
    process.send_signal(number)
    status, out = ended(process)
    run, line = begun(tmp_path/'runs'), out.strip().splitlines()[-1]
    assert status == 128 + number and line == f'interrupted: python -m pneumo_fastai.fit --resume {run} goes on with it'
    for name, argv in (('evaluate', [run]), ('predict', [run, data[1]]), ('gradcam', [run])):
        done = subprocess.run([sys.executable, '-m', f'pneumo_fastai.{name}', *argv], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and done.stderr.count('\n') == 1 and f'--resume {run} goes on' in done.stderr
    assert ended(started('--resume', run))[0] == 0
    check_same(whole, run)
    status, out = ended(started('--resume', run))
    assert status == 2 and 'is finished' in out


def test_two_processes_cannot_train_into_one_folder(data, tmp_path):
    process = started(*RECIPE, *data, '--out', tmp_path/'runs', '--minutes', 0)
    assert reached(process, tmp_path/'runs', 1)
    status, out = ended(started('--resume', begun(tmp_path/'runs')))
    process.kill()
    process.communicate()
    assert status == 2 and 'another process' in out


def test_folds_go_on_within_one(data, tmp_path):
    recipe = [*RECIPE, *data, '--folds', 3, '--tta', 0, '--epochs', 2]
    assert ended(started(*recipe, '--out', tmp_path/'whole'))[0] == 0
    process, out = started(*recipe, '--out', tmp_path/'parts'), tmp_path/'parts'
    while not [*out.glob('*/fold-2.partial/checkpoints/*')] and process.poll() is None: time.sleep(.05)
    process.send_signal(signal.SIGINT)
    status, said = ended(process)
    assert status == 130 and 'goes on with it' in said and ended(started('--resume', begun(out)))[0] == 0
    for name in ('cv.json', 'out_of_fold.csv'): assert (begun(tmp_path/'whole')/name).read_bytes() == (begun(out)/name).read_bytes()


def test_what_cannot_be_gone_on_with_is_said_in_one_line(data, tmp_path):
    process = started(*RECIPE, *data, '--out', tmp_path/'runs', '--minutes', 0)
    assert reached(process, tmp_path/'runs', 1)
    process.kill()
    process.communicate()
    run = begun(tmp_path/'runs')
    for more, says in ((['--epochs', 4], 'leave out --epochs'), (['--exp', 'focal'], 'leave out --exp'),
                       (['--data', 'demo-of-mine'], 'demo-of-mine'), (['--sweep', 'lr=1,2'], 'leave out --sweep')):
        status, out = ended(started('--resume', run, *more))
        assert status == 2 and says in out.splitlines()[-1] and out.splitlines()[-1].startswith('error: ')
    gone = Path(data[1]).rename(tmp_path/'gone')
    try: status, out = ended(started('--resume', run))
    finally: gone.rename(data[1])
    assert status == 2 and str(data[1]) in out.splitlines()[-1]
