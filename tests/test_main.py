"The one program with all commands, and what each calls itself."
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

from pneumo_fastai.__main__ import COMMANDS, main

PACKAGE = Path(__file__).parents[1]/'pneumo_fastai'


def python(*args): return subprocess.run([sys.executable, '-W', 'error::UserWarning', *args], capture_output=True, text=True, check=False)


def test_it_lists_every_command_with_its_docstring(capsys, monkeypatch):
    monkeypatch.setenv('COLUMNS', '200')
    assert main([]) == 0
    out = capsys.readouterr().out
    commands = {p.stem for p in PACKAGE.glob('*.py') if "sys.exit(run(" in p.read_text()}
    assert commands == set(COMMANDS)
    for name in commands:
        assert f'  {name:10}{getattr(import_module(f"pneumo_fastai.{name}"), name).__doc__}\n' in out
    assert main(['--help']) == 0 and capsys.readouterr().out == out


def test_a_bare_call_loads_nothing_heavy():
    code = "import sys, runpy; sys.argv = ['x']\n" \
           "try: runpy.run_module('pneumo_fastai', run_name='__main__', alter_sys=True)\n" \
           "finally: print('loaded:', [o for o in ('torch', 'fastai', 'numpy', 'pandas', 'matplotlib') if o in sys.modules])"
    done = python('-c', code)
    assert done.returncode == 0 and 'usage: python -m pneumo_fastai COMMAND' in done.stdout and 'loaded: []' in done.stdout, done.stderr


@pytest.mark.parametrize('args, usage', [
    (['-m', 'pneumo_fastai', 'predict'], 'usage: python -m pneumo_fastai predict '),
    (['-m', 'pneumo_fastai', 'lr-find'], 'usage: python -m pneumo_fastai lr-find '),
    (['-m', 'pneumo_fastai.predict'], 'usage: python -m pneumo_fastai.predict '),
    (['-c', "import sys; sys.argv[0] = '/a/bin/pneumo-fastai'; from pneumo_fastai.__main__ import main; sys.exit(main())", 'predict'],
     'usage: pneumo-fastai predict ')])
def test_usage_says_the_name_it_was_called_by(args, usage):
    done = python(*args, '--help')
    assert done.returncode == 0 and done.stdout.startswith(usage), done.stderr


def test_the_console_script_is_this_program():
    scripts = tomllib.loads((PACKAGE.parent/'pyproject.toml').read_text())['project']['scripts']
    assert scripts == {'pneumo-fastai': 'pneumo_fastai.__main__:main'}


def test_the_version_is_that_of_the_package(capsys):
    assert main(['--version']) == 0 and capsys.readouterr().out == f'pneumo_fastai {version("pneumo_fastai")}\n'


@pytest.mark.parametrize('argv, says', [(['fitt'], ["command 'fitt'", "mean 'fit'", 'lr_find']), (['predict'], ['model']),
                                        (['fit', '--epocs', '1'], ["'epocs'", 'epochs'])])
def test_a_wrong_call_gets_one_line_and_status_2(capsys, argv, says):
    assert main(argv) == 2
    err = capsys.readouterr().err
    assert err.startswith('error: ') and err.count('\n') == 1
    for word in says: assert word in err


def test_what_was_typed_is_kept_as_it_can_be_typed_again():
    code = "import sys; sys.argv = ['/a/bin/pneumo-fastai', 'fit', '--data', 'my films']; from pneumo_fastai.cli import command_line\n" \
           "print(command_line())"
    assert python('-c', code).stdout == "pneumo-fastai fit --data 'my films'\n"
