"What a run is: the recipe, from a TOML file that states only its differences from the baseline, or from the experiment it is based on."
import difflib
import json
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Literal, get_args, get_origin

from .errors import InputError
from .recipe import CONTRADICTIONS, GROUPS, RANGES, RETIRED, Augmentation, Network


@dataclass(frozen=True)
class Experiment(*reversed(GROUPS)):
    "The recipe of a run: all fields of `recipe`. Raises `InputError` for a value out of range, or for two that contradict each other."
    def __post_init__(self):
        for key, ok, takes in RANGES:
            if not ok(getattr(self, key)): raise InputError(f'{key} is {getattr(self, key)!r}, it takes {takes}')
        if not is_arch(self.arch): raise InputError(f'{unknown("arch", self.arch, ARCHITECTURES)}, and timm:NAME')
        for when, line in CONTRADICTIONS:
            if when(self): raise InputError(line.format(e=self))

    def override(self, source='the command line', **values) -> 'Experiment':
        "A copy with `values`, numbers given as text included; raises `InputError` naming a wrong key or type and what would do."
        return replace(self, **{k: parse(k, v, source) for k, v in values.items() if v is not None})


ARCHITECTURES = sorted(o.stem for o in (Path(__file__).parent/'models'/'architectures').glob('[a-z]*.py'))  # a file each
def names(group): return [f.name for f in fields(group)]
def reading(experiment): return tuple(getattr(experiment, k) for k in READING)
def is_arch(name): return name in ARCHITECTURES or name.startswith('timm:')


TYPES = {f.name: f.type for f in fields(Experiment)}
ASPECTS, GREYS = get_args(TYPES['aspect']), get_args(TYPES['grey'])
READING = 'size', 'aspect', 'any_view', 'grey'  # how a file becomes pixels, as `read_square` takes it
DATA = *READING, 'valid', 'test', 'split_seed', 'held_out'  # what decides pixels and splits
MIXED = 'mixup', 'cutmix'  # what mixes the images of a batch
ONE_IMAGE = tuple(o for o in names(Augmentation) if o not in MIXED)  # what changes an image by itself
STEP = (*names(Network), *names(Augmentation), 'size', 'batch_size', 'precision', 'compiled')  # what a training step's work is


def takes(name) -> str:
    "What a field takes, in words."
    kind = TYPES[name]
    if name == 'arch': return ' or '.join((*ARCHITECTURES, 'timm:NAME'))
    if get_origin(kind) is Literal: return ' or '.join(get_args(kind))
    return {int: 'a whole number', float: 'a number', bool: 'true or false', str: 'text'}[kind]


def parse(key, value, source='the command line'):
    "`value`, or the text of it, as the type of the field `key`."
    if key not in TYPES: raise InputError(f'{source}: {unknown("key", key, TYPES)}')
    kind = TYPES[key]
    try:
        if get_origin(kind) is Literal and value in get_args(kind): return value
        if kind in (bool, str) and isinstance(value, kind): return value
        if kind is int and (isinstance(value, str) or type(value) is int): return int(value)
        if kind is float and (isinstance(value, str) or type(value) in (int, float)): return float(value)
    except ValueError: pass
    raise InputError(f'{source}: {key} got {value!r} ({type(value).__name__}), it takes {takes(key)}')


def unknown(what, name, valid) -> str:
    "The line for a misspelt name: what it was, the nearest one, and all there are."
    near = difflib.get_close_matches(name, valid, 1)
    return f'{what} {name!r} is not known{f" (did you mean {near[0]!r}?)" if near else ""}; there are: {", ".join(sorted(valid))}'


def folder() -> Path:
    "Where the shipped experiments are: beside the modules once installed, beside the package in a checkout."
    package = Path(__file__).parent
    return next(o for o in (package/'experiments', package.parent/'experiments') if o.is_dir())


def load_experiment(
    exp='baseline',  # an experiment's name, or the path of a TOML file
    **overrides,     # fields that replace the file's
) -> tuple[str, Experiment]:
    "An experiment's name and recipe; raises `InputError` when there is none, or a key or value in it is wrong."
    path = found(exp)
    return path.stem, resolved(path).override(**overrides)


def found(exp, beside='.', what='experiment') -> Path:
    "The file of a shipped experiment's name, or of a path that starts from the folder `beside`."
    shipped = {o.stem: o for o in folder().glob('*.toml')}
    path = Path(beside)/exp if str(exp).endswith('.toml') else shipped.get(str(exp))
    if path is None: raise InputError(unknown(what, str(exp), shipped) + ', or the path of a .toml file')
    if not path.is_file(): raise InputError(f'{path} does not exist; give a .toml that does, or a name: {", ".join(sorted(shipped))}')
    return path


def resolved(path, above=()) -> Experiment:
    "The recipe of a file: what it states, over the recipe of its `base`. `above` are the files that are based on it."
    if path.resolve() in above:
        chain = ', '.join(o.name for o in (*above, path))
        raise InputError(f'experiment {path} is its own base, by way of {chain}; leave out base in one of them')
    values = current(stated(path), path)
    start, base = Experiment(), values.pop('base', None)
    if not isinstance(base, str | None): raise InputError(f'{path}: base got {base!r}, it takes a name or the path of a .toml file')
    if base is not None: start = resolved(found(base, path.parent, f'{path}: base'), (*above, path.resolve()))
    return start.override(str(path), **values)


def stated(path) -> dict:
    "What a TOML file says."
    try: return tomllib.loads(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError) as e: raise InputError(f'experiment {path} cannot be read: {e.__class__.__name__}') from e
    except tomllib.TOMLDecodeError as e: raise InputError(f'experiment {path} is not valid TOML: {e}') from e


def current(values, source) -> dict:
    "The values without fields that are no more, which files of before state; `InputError` where one of them did something."
    for name, off in RETIRED.items():
        if values.get(name, off) != off: raise InputError(f'{source}: {name} is no more, it helped nowhere; leave it out')
    return {k: v for k, v in values.items() if k not in RETIRED}


def differences(experiment) -> dict:
    "The fields in which an experiment differs from the baseline."
    base = asdict(Experiment())
    return {k: v for k, v in asdict(experiment).items() if v != base[k]}


def quoted(text) -> str: return json.dumps(text, ensure_ascii=False).replace('\x7f', r'\u007f')  # TOML's, but for that one, is JSON's


def toml(experiment) -> str:
    "The whole recipe as TOML; `load_experiment` reads it back to an equal experiment."
    show = {bool: lambda x: str(x).lower(), str: quoted}
    def stated(group): return [f'{k} = {show.get(type(v := getattr(experiment, k)), repr)(v)}' for k in names(group)]
    return '\n'.join(line for group in GROUPS for line in (f'# {group.__name__.lower()}', *stated(group), ''))
