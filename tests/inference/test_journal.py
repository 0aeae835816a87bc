"What predict has done is not done again: killed in the middle, it goes on; and what is not its own it leaves alone."
import errno
import signal
import subprocess
import sys
import time

import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.errors import Failed, InputError
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.inference.formats import first_rows
from pneumo_fastai.inference.journal import journal, stamp
from pneumo_fastai.models.architectures.resnet18 import ResNet18
from pneumo_fastai.predict import predict

RECIPE = dict(arch='resnet18', size=32, aspect='pad', any_view=False, mean=0.4, std=0.2, threshold=0.3, threshold_from='youden', data='d',
              experiment='e', synthetic=False, calibrator=dict(method='none'))
SLOW = '''import sys, time; sys.argv = ['predict', *sys.argv[1:]]
from pneumo_fastai.cli import run
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.predict import predict
quick = Bundle.read
def read(self, path):
    time.sleep(.1)
    return quick(self, path)
Bundle.read = read
sys.exit(run(predict))'''


@pytest.fixture
def model(tmp_path):
    Bundle(ResNet18().state_dict(), RECIPE).save(tmp_path/'model')
    return tmp_path/'model'


def started(model, files, out):
    return subprocess.Popen([sys.executable, '-c', SLOW, str(model), str(files), '--out', str(out)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.slow
@pytest.mark.parametrize('name, sign', [
    ('p.csv', signal.SIGKILL), ('p.jsonl', signal.SIGKILL), pytest.param('p.csv', signal.SIGINT, marks=pytest.mark.slow)])
def test_after_an_interruption_the_same_command_goes_on(model, films, tmp_path, monkeypatch, capsys, name, sign):
    assert run(predict, [str(model), str(films), '--out', str(tmp_path/f'whole-{name}')]) == 0
    out = tmp_path/name
    beside, process = tmp_path/f'{name}.partial', started(model, films, out)
    while process.poll() is None and not (beside.exists() and beside.read_bytes().count(b'\n') >= 3): time.sleep(.02)
    process.send_signal(sign)
    _, err = process.communicate(timeout=60)
    assert process.returncode in (-9, 130) and 'Traceback' not in err and not out.exists()
    beside.write_bytes(beside.read_bytes() + b'{"n": 16, "rej')  # as a disk does that is cut off in the middle of a line
    read, quick = [], Bundle.read
    monkeypatch.setattr(Bundle, 'read', lambda self, path: read.append(path) or quick(self, path))
    capsys.readouterr()
    assert run(predict, [str(model), str(films), '--out', str(out)]) == 0
    assert 'were done before an interruption' in ' '.join(capsys.readouterr().out.split())
    assert out.read_bytes() == (tmp_path/f'whole-{name}').read_bytes() and not beside.exists()
    assert 0 < len(read) <= 80 - 32 and len(first_rows(out, 99)) == 80


def test_rows_of_another_model_or_of_other_files_are_not_gone_on_with(model, films, tmp_path, capsys):
    for about in (dict(model='another', device='cpu', files='x'), {}):
        with pytest.raises(RuntimeError), journal(tmp_path/'p.csv', about, None): raise RuntimeError
        before = (tmp_path/'p.csv.partial').read_bytes()
        assert run(predict, [str(model), str(films), '--out', str(tmp_path/'p.csv')]) == 2
        assert 'rows of another model, other files' in capsys.readouterr().err and (tmp_path/'p.csv.partial').read_bytes() == before
        (tmp_path/'p.csv.partial').unlink()


@pytest.mark.parametrize('text', ['notes', 'notes\n', '[1]\n', '{"a": 1}\n{"b": 2}\n', '\x00' * 50])
def test_a_file_of_someone_else_stays(tmp_path, text):
    (tmp_path/'p.csv.partial').write_text(text)
    with pytest.raises(InputError, match=r'p\.csv\.partial (is not what predict wrote|has rows of another)'), \
            journal(tmp_path/'p.csv', dict(a=1), None): pass
    assert (tmp_path/'p.csv.partial').read_text() == text


def test_two_at_once_do_not_mix(tmp_path):
    with pytest.raises(InputError, match='another process'), journal(tmp_path/'p.csv', {}, None), journal(tmp_path/'p.csv', {}, None): pass


def test_where_nothing_can_be_written_is_known_before_the_first_prediction(model, films, capsys, monkeypatch):
    monkeypatch.setattr(Bundle, 'read', lambda *_: pytest.fail('predicted before it was known'))
    assert run(predict, [str(model), str(films), '--out', '/proc/p.csv']) == 2  # no file can be made there, whoever asks
    assert capsys.readouterr().err.count('\n') == 1


def test_lists_that_differ_in_what_is_not_there_are_not_the_same(films, tmp_path):
    here = sorted(films.rglob('*.png'))[0]
    assert len({stamp(paths) for paths in ([here], [here, 'a'], ['a', here], ['b', here], ['a\0', here])}) == 5


def test_a_disk_that_is_full_fails_and_keeps_what_was_done(tmp_path):
    def full(path, texts): raise OSError(errno.ENOSPC, 'No space left on device', str(path))
    with pytest.raises(Failed, match=r'p\.csv: No space left on device; the same'), journal(tmp_path/'p.csv', {}, full) as kept:
        kept.add(1, 0, 0, 'row')
    assert [p.name for p in tmp_path.iterdir()] == ['p.csv.partial']
    with journal(tmp_path/'p.csv', {}, lambda path, texts: path.write_text(''.join(texts))) as kept: assert kept.done == 1
    assert (tmp_path/'p.csv').read_text() == 'row' and not (tmp_path/'p.csv.partial').exists()
