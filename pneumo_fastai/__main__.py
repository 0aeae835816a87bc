"`pneumo-fastai` and `python -m pneumo_fastai`: the commands, a line each, and the way to each of them."
import sys
from importlib import import_module
from importlib.metadata import version
from shutil import get_terminal_size
from textwrap import fill

from .cli import refused, run, typed
from .experiment import unknown

COMMANDS = 'fit', 'predict', 'app', 'evaluate', 'adapt', 'gradcam', 'ensemble', 'study', 'export', 'lr_find', 'audit', 'cache', 'bench'


def command(name): return getattr(import_module(f'.{name}', __package__), name)


def listing() -> str:
    "Every command with its own docstring."
    width = max(map(len, COMMANDS)) + 4
    lines = [fill(f'  {name:{width - 2}}{command(name).__doc__}', max(60, get_terminal_size().columns), subsequent_indent=' '*width)
             for name in COMMANDS]
    usage = f'usage: {typed()} COMMAND ...\n       {typed()} COMMAND --help\n       {typed()} --version'
    return '\n'.join([usage, '', import_module(__package__).__doc__, '', *lines])


def main(argv=None) -> int:
    "Run a command of these, or say what there is; returns the exit status."
    name, *rest = (sys.argv[1:] if argv is None else argv) or ['--help']
    if name in ('-h', '--help'): print(listing())
    elif name == '--version': print(f'pneumo_fastai {version("pneumo_fastai")}')
    elif name.replace('-', '_') in COMMANDS: return run(command(name.replace('-', '_')), rest, f'{typed()} {name}')
    else: return refused(unknown('command', name, COMMANDS))
    return 0


if __name__ == '__main__':
    sys.exit(main())
