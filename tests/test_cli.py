import subprocess
import sys
from importlib import import_module

import pytest

from pneumo_fastai.cli import parser_for, run
from pneumo_fastai.experiment import TYPES
from pneumo_fastai.fit import fit
from pneumo_fastai.screen import NOTICE


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


@pytest.mark.parametrize('command, argv, says', [
    ('fit', ['--data', ''], '--data is empty'), ('fit', ['--out', ''], '--out is empty'), ('fit', ['--cache', ''], '--cache is empty'),
    ('predict', ['model', 'files', '--out', ''], '--out is empty'), ('predict', ['', 'files'], 'model is empty'),
    ('evaluate', ['run', ''], 'runs is empty'), ('cache', ['--clear', ''], '--clear is empty'),
    ('bench', ['--growth', ''], '--growth is empty')])
def test_an_empty_value_is_refused_where_the_default_is_none(tmp_path, monkeypatch, capsys, command, argv, says):
    monkeypatch.chdir(tmp_path)
    assert run(getattr(import_module(f'pneumo_fastai.{command}'), command), argv) == 2
    err = capsys.readouterr().err
    assert err.startswith(f'error: {says}; give a value') and err.count('\n') == 1 and not list(tmp_path.iterdir())


def test_an_empty_text_that_is_the_default_stays_one(capsys):
    assert run(import_module('pneumo_fastai.gradcam').gradcam, ['nowhere', '--layers', '']) == 2
    assert 'nowhere is no folder' in capsys.readouterr().err


@pytest.mark.parametrize('argv, says', [
    (['--out', 'FILE'], 'FILE takes no folder'), (['--out', '/proc/x/y'], '/proc takes no folder'), (['--resume', 'x'], 'was begun'),
    (['--minutes', '-1'], 'from 0'), (['--gradcam-layers', 'fc'], "no layer 'fc'"),
    (['--gradcam-layers', 'layer9'], "no layer 'layer9'"), (['--gradcam-layers', 'layer4', '--size', '32'], "no layer 'layer4'"),
    (['--gradcam-layers', 'avgpool'], "no layer 'avgpool'"), (['--gradcam-layers', ','], "no layer ''"),
    (['--batch-size', '99999999'], 'batch_size is 99999999')])
def test_fit_says_what_cannot_be_before_it_reads_the_data(tmp_path, monkeypatch, capsys, argv, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path/'FILE').touch()
    assert run(fit, ['--data', 'nowhere', *argv]) == 2
    err = capsys.readouterr().err
    assert err.startswith('error: ') and err.count('\n') == 1 and says in err and [p.name for p in tmp_path.iterdir()] == ['FILE']


@pytest.mark.parametrize('command, argv, says', [
    ('bench', ['--growth', 'g', '--data', 'FILMS'], 'leave out --out'), ('bench', ['--growth', 'g', '--out', 'x.json'], 'leave out --out'),
    ('bench', ['--data', 'FILMS'], 'are no DICOM'), ('evaluate', ['RUN', '--out', 'x'], '--out is for the table of several runs'),
    ('cache', ['--cache', 'nowhere'], 'nowhere is no folder'), ('cache', ['--cache', 'FILE'], 'FILE is no folder'),
    ('audit', ['--out', 'taken.png'], 'taken.png is a folder'), ('audit', ['--out', 'held.png'], 'held.json is a folder'),
    ('lr_find', ['--steps', '99999999999999999999'], 'steps is 99999999999999999999'), ('lr_find', ['--steps', '20'], 'steps is 20'),
    ('evaluate', ['RUN', '--error', '0'], 'error rate is 0')])
def test_what_would_be_ignored_or_fail_later_is_told_at_once(tmp_path, monkeypatch, capsys, films, new_run, command, argv, says):
    here = tmp_path/'here'
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv('XDG_CACHE_HOME', str(here))
    (here/'FILE').touch()
    for name in ('taken.png', 'held.json'): (here/name).mkdir()
    places = dict(FILMS=films, RUN=new_run())
    argv = [str(places.get(a, a)) for a in argv]
    assert run(getattr(import_module(f'pneumo_fastai.{command}'), command), argv) == 2
    err = capsys.readouterr().err
    assert err.startswith('error: ') and err.count('\n') == 1 and says in err
    assert {p.name for p in here.iterdir()} == {'FILE', 'taken.png', 'held.json'}


def test_a_link_to_nothing_is_not_its_own_remedy(tmp_path, capsys):
    for name, to in (('dead.png', 'nowhere'), ('loop.png', 'loop.png')):
        (tmp_path/name).symlink_to(to)
        assert run(import_module('pneumo_fastai.predict').predict, ['model', str(tmp_path/name), '--out', str(tmp_path/'p.csv')]) == 2
        err = capsys.readouterr().err
        assert f'{tmp_path}/{name} does not exist; ' in err and err.count(name) == 1 and 'manifest' not in err
        (tmp_path/name).unlink()
