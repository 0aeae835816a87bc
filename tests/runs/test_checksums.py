"SHA256SUMS: what is not as it was when the run ended is named, and what is written since is renewed."
import subprocess

import pandas as pd
import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluate import evaluate
from pneumo_fastai.runs.checksums import read_sums, renewing, write_sums
from pneumo_fastai.writing import write

pytestmark = pytest.mark.usefixtures('undrawn')
FEW = ['--n-boot', '5']


@pytest.mark.parametrize('name', ['split.csv', 'predictions.csv', 'history.csv', 'rejected.csv', 'experiment.toml', 'environment.json'])
@pytest.mark.parametrize('spoil', [lambda p: p.unlink(), lambda p: p.write_text(''), lambda p: p.write_bytes(p.read_bytes() + b'\xff')])
def test_each_file_that_is_not_as_it_was_is_named(new_run, capsys, name, spoil, finished):
    folder = finished(new_run())
    spoil(folder/name)
    assert run(evaluate, [str(folder), *FEW]) == 2
    err = capsys.readouterr().err
    assert err.count('\n') == 1 and name in err


def test_coreutils_agrees_after_evaluate_and_only_of_what_it_wrote(new_run, finished):
    folder = finished(new_run())
    command = 'sha256sum', '--quiet', '-c', 'SHA256SUMS'
    def check(): return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert check().returncode == 0 and run(evaluate, [str(folder), *FEW]) == 0 and check().returncode == 0
    assert {'predictions.csv', 'report.html', 'metrics.json', 'roc.png'} < set(read_sums(folder))
    table = pd.read_csv(folder/'predictions.csv')
    table.assign(probability=1 - table.probability).to_csv(folder/'predictions.csv', index=False)
    assert run(evaluate, [str(folder), *FEW, '--force']) == 0
    assert check().stdout.splitlines() == ['predictions.csv: FAILED']
    assert run(evaluate, [str(folder), *FEW]) == 2


def test_what_is_written_within_is_renewed_and_the_rest_kept(tmp_path):
    for name in ('a', 'b'): (tmp_path/name).write_text(name)
    with renewing(tmp_path): write(tmp_path/'a', 'x')
    assert read_sums(tmp_path) is None
    write_sums(tmp_path)
    before = read_sums(tmp_path)
    (tmp_path/'b').write_text('changed by hand')
    with renewing(tmp_path):
        write(tmp_path/'a', 'y')
        write(tmp_path/'c', 'new')
    after = read_sums(tmp_path)
    assert after['b'] == before['b'] and after['a'] != before['a'] and set(after) == {'a', 'b', 'c'}
    with pytest.raises(InputError), renewing(tmp_path): raise InputError('x')
    assert read_sums(tmp_path) == after


def test_sums_after_an_exception_are_those_of_what_was_written(tmp_path):
    for name in ('a', 'b'): write(tmp_path/name, name)
    write_sums(tmp_path)
    before = read_sums(tmp_path)
    with pytest.raises(KeyboardInterrupt), renewing(tmp_path):
        write(tmp_path/'a', 'x')
        raise KeyboardInterrupt
    after = read_sums(tmp_path)
    write_sums(tmp_path)
    assert after == read_sums(tmp_path) and after['b'] == before['b'] and after['a'] != before['a']
