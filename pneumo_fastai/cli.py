"A function's signature as a command line: its comments are the help, its one-line errors end with status 2."
import argparse
import os
import shlex
import sys
from inspect import Parameter, signature
from pathlib import Path
from signal import SIGINT
from tempfile import TemporaryDirectory

from .errors import Failed, InputError, readable
from .experiment import GROUPS, TYPES, takes, unknown
from .screen import NOTICE

MOST = 20_000  # resamples: more move no digit that is shown, and take more memory than many a machine has
EFFECTIVE = os.access in os.supports_effective_ids


class Parser(argparse.ArgumentParser):
    "argparse whose errors are one line that lists what would do."
    def error(self, message): raise InputError(f'{message}; --help lists what there is')

    def parse(self, argv) -> dict:
        values, rest = self.parse_known_args(argv)
        if rest:
            valid = [o[2:] for a in self._actions for o in a.option_strings if o.startswith('--') and not o.startswith('--no-')]
            raise InputError(unknown('option', rest[0].lstrip('-').partition('=')[0], valid) if rest[0].startswith('-')
                             else f'{rest[0]!r} belongs to no option; an option looks like --epochs 5')
        return vars(values)


def typed() -> str:
    "The name that the program was called by, to type it again: `python -m pneumo_fastai.fit`, `python -m pneumo_fastai`, `pneumo-fastai`."
    spec = getattr(sys.modules['__main__'], '__spec__', None)
    return f'python -m {spec.name.removesuffix(".__main__")}' if spec else Path(sys.argv[0]).name


def command_line() -> str: return f'{typed()} {shlex.join(sys.argv[1:])}'


def parser_for(function, prog=None) -> Parser:
    """The parser of `function`'s parameters and, where it takes **overrides, of the fields of `Experiment`: all, or those of its
    annotation. `prog` is what its usage calls it; what was typed unless given."""
    from fastcore.docments import docments
    parser = Parser(prog=prog or typed(), description=f'{function.__doc__} {NOTICE}', allow_abbrev=False,
                    epilog=getattr(function, 'ends', None))
    docs = docments(function)
    for name, p in signature(function).parameters.items():
        if p.kind is Parameter.VAR_KEYWORD: add_recipe(parser, TYPES if p.annotation is p.empty else p.annotation)
        elif p.kind is Parameter.VAR_POSITIONAL: parser.add_argument(name, nargs='+', help=p.annotation)
        elif p.annotation is bool: parser.add_argument(flag(name), action='store_true', help=docs[name])
        elif p.default is p.empty: parser.add_argument(name, help=docs[name])
        elif p.annotation == list[str]: parser.add_argument(flag(name), nargs='+', default=p.default, metavar=name.upper(), help=docs[name])
        else:
            default = '' if p.default is None else ' (%(default)s)'
            parser.add_argument(flag(name), type=p.annotation, default=p.default, metavar=name.upper(), help=docs[name] + default)
    return parser


def flag(name): return '--' + name.replace('_', '-')


def add_recipe(parser, names):
    "One option a field of `Experiment`; the text is checked by `Experiment.override`, which says what a field takes."
    from fastcore.docments import docments
    parser.usage = parser.format_usage().removeprefix('usage: ').rstrip() + ' [--FIELD VALUE ...]'
    for fields in GROUPS:
        asked = {name: comment for name, comment in docments(fields, returns=False).items() if name in names}
        if asked: group = parser.add_argument_group(fields.__name__.lower(), f'{fields.__doc__} As the experiment says, unless given here.')
        for name, comment in asked.items():
            if TYPES[name] is bool: group.add_argument(flag(name), action=argparse.BooleanOptionalAction, default=None, help=comment)
            else: group.add_argument(flag(name), metavar=name.upper(), help=f'{comment} [{takes(name)}]')


def remedy(error) -> str:
    "What would help against an `OSError`: what is there and may not be read is its user's to mend, the rest could not be written."
    if isinstance(error, FileNotFoundError): return ''
    if isinstance(error, IsADirectoryError): return '; move the folder of that name away'
    if error.filename and os.path.exists(error.filename) and not os.access(error.filename, os.R_OK, effective_ids=EFFECTIVE):
        return '; make it readable'
    return '; give another place with --out or --cache'


def check_resampling(n_boot, seed):
    "`InputError` unless so many resamples can be drawn, with such a seed."
    if not 1 <= n_boot <= MOST: raise InputError(f'n-boot is {n_boot}; give a whole number from 1 to {MOST:,}')
    if not 0 <= seed < 2**32: raise InputError(f'seed is {seed}; give a whole number from 0, below 2**32')


def check_out(
    out,
    kinds=(),   # endings, one of which its name has to have
    new=False,  # whether it must not exist
    what='picture',  # that these endings are of
    option='--out',  # by which it is given
):
    "`InputError` unless a file can be written there."
    if '\0' in str(out): raise InputError(f'{option} holds a null character; give the name of a file')
    folder = Path(out).resolve().parent
    if kinds and not Path(out).name.lower()[1:].endswith(tuple(kinds)):
        raise InputError(f'{out} is no {what} that can be written; give {option} a name that ends in {" or ".join(kinds)}')
    if new and Path(out).is_file(): raise InputError(f'{out} exists; give another name with {option}')
    if Path(out).is_dir(): raise InputError(f'{out} is a folder; give the name of a file with {option}')
    if not folder.is_dir(): raise InputError(f'{Path(out).parent} is no folder; give {option} in one that exists')
    if not os.access(folder, os.W_OK): raise InputError(f'{folder} cannot be written; give {option} in a folder that can')


def check_folder(out):
    "`InputError` unless a folder can be made there."
    place = Path(os.path.abspath(out))
    while not os.path.lexists(place): place = place.parent
    try: TemporaryDirectory(dir=place).cleanup()
    except OSError as e: raise InputError(f'{place} takes no folder ({e.strerror}); give another place') from e


def check_filled(function, values):
    "`InputError` for a value that is an empty text where the default is not."
    for name, p in signature(function).parameters.items():
        given = values.get(name)
        if '' not in (given if isinstance(given, list) else [given]) or p.default == '': continue
        what, or_not = (name, '') if p.default is p.empty else (flag(name), ', or leave the option out')
        raise InputError(f'{what} is empty; give a value{or_not}')


def refused(error, status=2) -> int:
    "One line on what was wrong; returns the exit status."
    print(f'error: {readable(" ".join(str(error).splitlines()))}', file=sys.stderr)
    return status


def run(function, argv=None, prog=None) -> int:
    "Run `function` with the command line's values; returns the exit status: the number that it returns, or else 0."
    try:
        values = parser_for(function, prog).parse(sys.argv[1:] if argv is None else argv)
        check_filled(function, values)
        several = [values.pop(n) for n, p in signature(function).parameters.items() if p.kind is Parameter.VAR_POSITIONAL]
        status = function(*(v for vs in several for v in vs), **values)
        return status if isinstance(status, int) else 0
    except InputError as e: return refused(e)
    except Failed as e: return refused(e, 1)
    except OSError as e: return refused(f'{e.filename or "a file"}: {e.strerror or e}{remedy(e)}')  # may not be written, or a full disk
    except KeyboardInterrupt as e:
        print(f'interrupted: {e if str(e) else "what had been written stays"}', file=sys.stderr)
        return 128 + getattr(e, 'signal', SIGINT)
