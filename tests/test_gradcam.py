import shutil
import subprocess
import sys

import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.evaluate import evaluate
from pneumo_fastai.explain import evaluation, panels
from pneumo_fastai.gradcam import gradcam
from pneumo_fastai.runs.checksums import read_sums, write_sums

pytestmark = pytest.mark.usefixtures('undrawn')
FEW = ['--layers', '2', '--n-boot', '5', '--worst', '3']


def test_help_says_what_it_is_for_without_importing_torch():
    code = "import sys, runpy; sys.argv = ['x', '--help']\n" \
           "try: runpy.run_module('pneumo_fastai.gradcam', run_name='__main__', alter_sys=True)\n" \
           "finally: print('loaded:', [o for o in ('torch', 'fastai', 'pandas', 'sklearn') if o in sys.modules])"
    done = subprocess.run([sys.executable, '-W', 'error::UserWarning', '-c', code], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and '--worst' in done.stdout and 'heatmaps' in done.stdout and 'loaded: []' in done.stdout, done.stderr


def test_a_wrong_layer_method_or_folder_gets_one_line_and_status_2(explainable, capsys, tmp_path):
    folder = explainable()
    for argv, says in ([str(folder), '--layers', 'layer9'], ["'layer9'", 'there are: 0, 1, 2']), \
                      ([str(folder), '--method', 'camcam'], ["'camcam'", 'layercam']), ([str(tmp_path)], ['predictions.csv']):
        assert run(gradcam, argv) == 2
        err = capsys.readouterr().err
        assert err.startswith('error: ') and err.count('\n') == 1 and all(word in err for word in says)
    assert not (folder/'gradcam.npz').exists()


def test_it_prints_the_scores_and_writes_the_report(explainable, capsys):
    folder = explainable()
    write_sums(folder)
    assert run(gradcam, [str(folder), '--layers', '2', '--n-boot', '5', '--worst', '3']) == 0
    out = capsys.readouterr().out
    assert 'model: pointing' in out and 'With all weights random' in out and 'report.html' in out
    assert (folder/'top_losses.html').read_text().count('<article') == 3
    subprocess.run(['sha256sum', '--quiet', '-c', 'SHA256SUMS'], cwd=folder, check=True)
    assert {'localization.json', 'gradcam.npz', 'top_losses.html', 'report.html'} < set(read_sums(folder))


def contents(folder): return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def whole(folder): subprocess.run(['sha256sum', '--quiet', '-c', 'SHA256SUMS'], cwd=folder, check=True)


@pytest.fixture
def explained(explainable):
    "A finished run, with stand-ins for what gradcam wrote."
    folder = explainable()
    for name in evaluation.WRITTEN: (folder/name).write_text('{"a": 0.5}')
    write_sums(folder)
    return folder


def interrupted(*_, **__): raise KeyboardInterrupt


@pytest.mark.parametrize('where', ['draw', 'write_errors', 'write', None])
def test_what_fails_or_is_interrupted_changes_no_file(explained, explainable, monkeypatch, capsys, where):
    before, other = contents(explained), explainable('other', seed=1)
    if where: monkeypatch.setattr(panels if where == 'write_errors' else evaluation, where, interrupted)
    else: (weights := other/'model/weights.safetensors').write_bytes(weights.read_bytes()[:-200])
    assert run(gradcam, [str(explained), str(other), *FEW, '--method', 'hirescam']) == (130 if where else 2)
    assert capsys.readouterr().err.count('\n') == 1 and contents(explained) == before
    whole(explained)


def test_other_runs_are_looked_at_before_the_work(explained, explainable, monkeypatch):
    other = explainable('other', seed=1)
    (other/'model/weights.safetensors').write_bytes(b'')
    monkeypatch.setattr(evaluation, 'compute_each', interrupted)
    assert run(gradcam, [str(explained), str(other), *FEW]) == 2


@pytest.mark.parametrize('layers', ['4', '6', '5', ',', '2,,3', '2,6'])  # mean over all places, linear, flatten
def test_a_layer_without_maps_is_refused_and_those_with_are_listed(explainable, capsys, layers):
    folder = explainable()
    before = contents(folder)
    assert run(gradcam, [str(folder), '--layers', layers]) == 2
    err = capsys.readouterr().err
    assert err.count('\n') == 1 and 'no layer' in err and err.strip().endswith('there are: 0, 1, 2, 3') and contents(folder) == before


@pytest.mark.parametrize('spoil', [lambda p: p.write_bytes(b'{"a": \xff\0'), lambda p: p.unlink(), lambda p: p.write_text('{"a": NaN}')])
def test_it_writes_anew_what_it_wrote_whatever_became_of_it(explained, capsys, spoil):
    spoil(explained/'localization.json')
    before = contents(explained)
    assert run(evaluate, [str(explained), '--n-boot', '5']) == 2
    err = capsys.readouterr().err
    assert err.count('\n') == 1 and 'pneumo_fastai.gradcam RUN writes it anew' in err and 'fit writes' not in err
    assert contents(explained) == before
    assert run(gradcam, [str(explained), *FEW]) == 0 and run(evaluate, [str(explained), '--n-boot', '5']) == 0
    whole(explained)


def test_a_folder_in_the_place_of_a_file_is_named_before_the_work(explained, capsys, monkeypatch):
    (explained/'localization.json').unlink()
    (explained/'localization.json').mkdir()
    monkeypatch.setattr(evaluation, 'compute_each', interrupted)
    assert run(gradcam, [str(explained), *FEW]) == 2
    err = capsys.readouterr().err
    assert f'{explained}/localization.json: ' in err and 'move the folder' in err and err.count('\n') == 1


def test_a_run_beside_itself_is_refused(explained, tmp_path, capsys):
    copy = shutil.copytree(explained, tmp_path/'copy')
    for twin in (explained, f'{explained}/../{explained.name}', copy):
        for command in (gradcam, evaluate):
            assert run(command, [str(explained), str(twin)]) == 2
            err = capsys.readouterr().err
            assert err.count('\n') == 1 and 'same predictions.csv' in err
