import shlex
import subprocess
import sys
from importlib import import_module

import pytest

from pneumo_fastai.bench import bench
from pneumo_fastai.cli import NOTICE, parser_for, run
from pneumo_fastai.experiment import TYPES
from pneumo_fastai.fit import fit
from pneumo_fastai.report.terminal import pointers


def test_every_field_of_the_recipe_is_an_option_with_its_comment_as_help():
    parser = parser_for(fit)
    options = {o for a in parser._actions for o in a.option_strings}
    assert {'--' + k.replace('_', '-') for k in TYPES} < options
    assert all(a.help for a in parser._actions)
    values = parser.parse(['--exp', 'weighted', '--epochs', '1', '--lr', '3e-4', '--gradcam'])
    assert (values['exp'], values['epochs'], values['lr'], values['gradcam'], values['size']) == ('weighted', '1', '3e-4', True, None)


@pytest.mark.parametrize('argv, says', [
    (['--epocs', '1'], ["'epocs'", "mean 'epochs'", 'data', 'weight-decay']),
    (['--epochs'], ['--epochs', 'argument']),
    (['weighted'], ["'weighted'", '--']),
    (['--epochs', 'two'], ['epochs', "'two'", 'a whole number']),
    (['--exp', 'wieghted'], ['wieghted', 'weighted']),
    (['--data', 'no/such/folder'], ['no/such/folder']),
])
def test_a_wrong_command_line_gets_one_line_and_status_2(capsys, argv, says):
    assert run(fit, argv) == 2
    out = capsys.readouterr().err
    assert out.startswith('error: ') and out.count('\n') == 1
    for word in says: assert word in out


@pytest.mark.parametrize('command', ['fit', 'lr_find', 'predict', 'ensemble', 'evaluate', 'cache', 'bench'])
def test_help_says_what_it_is_for_without_importing_torch(command):
    code = f"import sys, runpy; sys.argv = ['x', '--help']\n" \
           f"try: runpy.run_module('pneumo_fastai.{command}', run_name='__main__', alter_sys=True)\n" \
           "finally: print('loaded:', [o for o in ('torch', 'fastai', 'pandas', 'sklearn') if o in sys.modules])"
    done = subprocess.run([sys.executable, '-W', 'error::UserWarning', '-c', code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert NOTICE in ' '.join(done.stdout.split())
    assert 'loaded: []' in done.stdout


def test_a_folder_that_cannot_be_written_gets_one_line(capsys, films, tmp_path):
    (tmp_path/'file').write_text('')
    for option in ('--cache', '--out'):
        rest = ['--cache', str(tmp_path/'c')] if option == '--out' else []
        assert run(fit, ['--data', str(films), '--size', '32', option, str(tmp_path/'file'), *rest]) == 2
        err = capsys.readouterr().err
        assert str(tmp_path/'file') in err and err.count('\n') == 1


def test_what_a_recipe_asks_of_network_or_data_is_checked_before_the_run_has_a_folder(capsys, films, tmp_path):
    for argv, says in (['--gradcam', '--gradcam-layers', 'layer9'], "no layer 'layer9'"), (['--box-guidance', '1'], 'has none in train'):
        assert run(fit, ['--data', str(films), '--size', '32', '--out', str(tmp_path/'runs'), '--cache', str(tmp_path/'c'), *argv]) == 2
        err = capsys.readouterr().err
        assert says in err and err.count('\n') == 1 and not (tmp_path/'runs').exists()


@pytest.mark.parametrize('command, argv, says', [
    ('gradcam', ['.', '--worst', '-1'], 'worst is -1'), ('gradcam', ['.', '--n-boot', '0'], 'n-boot is 0'),
    ('evaluate', ['.', '--n-boot', '1000000000000'], 'n-boot is 1000000000000'),
    ('evaluate', ['.', '--operating-point', 'cost=inf'], 'inf'),
    ('lr_find', ['--out', 'nowhere/a.png'], 'nowhere is no folder'), ('lr_find', ['--out', 'a.xyz'], 'a.xyz is no picture'),
    ('bench', ['--data', 'FILMS', '--size', '32'], 'are no DICOM'), ('predict', ['model', 'a\nb'], 'a b does not exist')])
def test_what_cannot_be_met_is_told_before_the_work(tmp_path, monkeypatch, capsys, films, command, argv, says):
    monkeypatch.chdir(tmp_path)
    function = getattr(import_module(f'pneumo_fastai.{command}'), command)
    assert run(function, [str(films) if a == 'FILMS' else a for a in argv]) == 2
    err = capsys.readouterr().err
    assert err.startswith('error: ') and err.count('\n') == 1 and says in err


def test_bench_takes_what_decides_the_work_and_refuses_the_rest(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    values = parser_for(bench).parse(['--batch-size', '8', '--no-compiled', '--aspect', 'crop'])
    assert {'size', 'arch', 'precision', 'split_seed', 'box_guidance'} < set(values)
    assert not {'epochs', 'lr', 'seed', 'tta', 'gradcam', 'folds', 'class_weights'} & set(values)
    for argv, says in ((['--epochs', '3'], "'epochs'"), (['--growth', 'g', '--aspect', 'crop'], 'aspect'),
                       (['--growth', 'g', '--box-guidance', '1'], 'box_guidance')):
        assert run(bench, argv) == 2
        err = capsys.readouterr().err
        assert err.startswith('error: ') and err.count('\n') == 1 and says in err and 'batch' in err
    assert not list(tmp_path.iterdir())


def test_what_to_type_next_holds_for_a_folder_with_spaces(capsys):
    pointers('/runs/my run/weighted')
    typed = next(line for line in capsys.readouterr().out.splitlines() if 'use' in line).split('use', 1)[1]
    assert shlex.split(typed)[-2:] == ['/runs/my run/weighted', 'a-file-or-folder']
