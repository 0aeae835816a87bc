"A sweep's grid: lists of values for fields of a recipe, and the recipe of each of their combinations."
import re
from dataclasses import dataclass
from hashlib import sha256
from itertools import product

from .errors import InputError
from .experiment import TYPES, Experiment, parse, toml

REPEATS = 'seed', 'split_seed'  # another value of these is the same setting once more
LONGEST = 100  # characters of a folder's name


@dataclass(frozen=True)
class Member:
    "One combination; `name` is that of its folder."
    name:str
    values:dict
    experiment:Experiment


@dataclass(frozen=True)
class Grid:
    "Every combination of the values in `axes`, a mapping of fields to lists, over the recipe `base` of the experiment `name`."
    name:str
    base:Experiment
    axes:dict

    @property
    def members(self):
        "In the order typed, the last field changing fastest; raises `InputError` where values contradict each other."
        return [member(self.base, dict(zip(self.axes, values, strict=True))) for values in product(*self.axes.values())]

    @property
    def folder(self):
        "The name of its folder: the same command finds it again, another recipe or grid has another."
        said = toml(self.base) + repr(list(self.axes.items()))
        return short(f'{self.name}-sweep-{"-".join(self.axes)}', LONGEST - 7) + f'-{sha256(said.encode()).hexdigest()[:6]}'


def grid(
    name, base,  # of the experiment
    words,       # FIELD=VALUE,VALUE,... each
) -> Grid:
    "Raises `InputError` for a field, a value or a combination that cannot be, for what is given twice, and for less than two members."
    axes = {}
    for word in words:
        field, values = values_of(word)
        if field in axes: raise InputError(f'sweep got {field} twice; give all of its values at once')
        axes[field] = values
    made = Grid(name, base, axes)
    if base.folds or 'folds' in axes:
        raise InputError('a sweep compares its members on one valid and one test, and folds have several; leave out --sweep, or folds')
    if len(made.members) < 2: raise InputError('sweep has one member, which is a run; give more values, or leave it out')
    return made


def values_of(word):
    "(field, its values) of one FIELD=VALUE,VALUE,..."
    field, _, texts = word.partition('=')
    if not texts: raise InputError(f'sweep got {word!r}, it takes FIELD=VALUE,VALUE,... such as lr=1e-4,3e-4 seed=0,1,2')
    of = dict(true=True, false=False) if TYPES.get(field) is bool else {}
    values = [parse(field, of.get(text, text), 'sweep') for text in texts.split(',')]
    if twice := [v for i, v in enumerate(values) if v in values[:i]]:
        raise InputError(f'sweep got {said({field: twice[0]})} twice; give each value once')
    return field, values


def member(base, values):
    "The `Member` of these values."
    name = said(values)
    try: return Member(short(re.sub(r'[^\w.,=+-]', '_', name), LONGEST, name), values, base.override('sweep', **values))
    except InputError as e: raise InputError(f'{name}: {e}') from None


def said(values, between=','):
    "Like `lr=0.0001,seed=0`."
    return between.join(f'{k}={str(v).lower() if isinstance(v, bool) else v}' for k, v in values.items())


def short(name, longest, of=None):
    "`name`; where it is too long, or not the text `of` that it stands for, with the hash of that in place of its end."
    of = of or name
    return name if name == of and len(name) <= longest else f'{name[:longest - 7]}-{sha256(of.encode()).hexdigest()[:6]}'
