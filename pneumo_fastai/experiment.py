"What a run is: the recipe, from a TOML file that states only its differences from the baseline, or from the experiment it is based on."
import difflib
import tomllib
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Literal, get_args, get_origin

from .errors import InputError


@dataclass(frozen=True)
class Experiment:
    "The recipe of a run. These defaults are the baseline; raises `InputError` for a value that is out of range."
    arch:Literal['resnet18', 'resnet18_os16'] = 'resnet18'  # the network, from scratch, one channel, two classes; os16: maps twice as fine
    size:int = 224                                       # images are size x size pixels
    aspect:Literal['pad', 'crop', 'stretch'] = 'pad'     # how a radiograph that is not square becomes square
    any_view:bool = False                                # also images that say they are not frontal chest radiographs
    batch_size:int = 32                                  # images a step
    epochs:int = 20                                      # passes over train, each without its incomplete last batch
    lr:float = 1e-4                                      # Adam's learning rate at the start of the cosine
    weight_decay:float = 0.                              # L2 penalty, as torch.optim.Adam takes it
    class_weights:Literal['none', 'balanced'] = 'none'   # balanced: images / (classes x images of the class), from the training split
    oversample:Literal['none', 'view'] = 'none'          # view: each view and class as often as the most frequent of them
    flip:float = 0.                                      # augmentation: probability of a left-right flip
    rotate:float = 0.                                    # augmentation: up to this many degrees either way
    brightness:float = 0.                                # augmentation: mid-grey becomes up to half of this lighter or darker, 0 to 1
    contrast:float = 0.                                  # augmentation: up to this much more or less, 0 to 1
    crop:float = 1.                                      # augmentation: a random square of at least this share of the side; 1: the whole
    box_guidance:float = 0.                              # weight of the loss that asks Grad-CAM's map to lie in the boxes
    valid:float = 0.15                                   # share of the patients to choose epoch and threshold on
    test:float = 0.15                                    # share of the patients to measure on, once
    folds:int = 0                                        # 0: one split; 2 or more: cross-validation by patient, and an ensemble
    split_seed:int = 0                                   # another one draws other patients
    seed:int = 0                                         # of weights, order and augmentation; repeats exactly with as many threads
    precision:Literal['auto', 'float32', 'bfloat16'] = 'auto'  # auto: bfloat16 where native, or faster in a trial
    compiled:bool = False                                # train through torch.compile; meant for a GPU
    tta:int = 4                                          # augmented copies of each valid and test image, to see how far its call sways
    shuffle_labels:bool = False                          # train on labels dealt out at random: what is learnt then is not the disease
    gradcam:bool = False                                 # maps while training, and of all of valid and test, scored and checked
    gradcam_method:Literal['gradcam', 'gradcam++', 'hirescam', 'layercam'] = 'gradcam'  # which class activation map
    gradcam_mirror:bool = False                          # the mean with the map of the mirrored image
    gradcam_layers:str = ''                              # layers to fuse, such as layer3,layer4; the last with maps unless given

    def __post_init__(self):
        for key, ok, takes in RANGES:
            if not ok(getattr(self, key)): raise InputError(f'{key} is {getattr(self, key)!r}, it takes {takes}')
        if self.valid + self.test >= 1: raise InputError(f'valid {self.valid} + test {self.test} leave nothing to train on')

    def override(self, source='the command line', **values) -> 'Experiment':
        "A copy with `values`, numbers given as text included; raises `InputError` naming a wrong key or type and what would do."
        return replace(self, **{k: parse(k, v, source) for k, v in values.items() if v is not None})


def _share(x): return 0 < x < 1
def _fraction(x): return 0 <= x <= 1

RANGES = [('size', lambda x: 32 <= x <= 2048, 'pixels from 32 to 2048'),
          ('batch_size', lambda x: 2 <= x <= 4096, 'a whole number from 2 (batch normalisation needs two) to 4,096'),
          ('epochs', lambda x: x >= 1, 'a whole number of at least 1'),
          ('lr', lambda x: 0 < x < 10, 'a number above 0 and below 10'),
          ('weight_decay', lambda x: 0 <= x < 10, 'a number from 0, below 10'),
          ('flip', _fraction, 'a probability from 0 to 1'),
          ('rotate', lambda x: 0 <= x <= 180, 'degrees from 0 to 180'),
          ('brightness', lambda x: 0 <= x < 1, 'a number from 0, below 1'),
          ('contrast', lambda x: 0 <= x < 1, 'a number from 0, below 1'),
          ('crop', lambda x: .1 <= x <= 1, 'a share from 0.1 to 1'),
          ('box_guidance', lambda x: 0 <= x < 100, 'a number from 0, below 100'),
          ('valid', _share, 'a share above 0 and below 1'),
          ('test', _share, 'a share above 0 and below 1'),
          ('folds', lambda x: x == 0 or 2 <= x <= 20, '0 or a whole number from 2 to 20'),
          ('tta', lambda x: 0 <= x <= 64, 'a whole number from 0 to 64'),
          ('seed', lambda x: 0 <= x < 2**31, 'a whole number from 0, below 2**31')]
TYPES = {f.name: f.type for f in fields(Experiment)}
DATA = 'size', 'aspect', 'any_view', 'valid', 'test', 'split_seed'  # what decides pixels and splits
STEP = 'arch', 'size', 'batch_size', 'flip', 'rotate', 'brightness', 'contrast', 'crop', 'precision', 'compiled'  # a training step's work


def takes(kind) -> str:
    "What a field takes, in words."
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
    raise InputError(f'{source}: {key} got {value!r} ({type(value).__name__}), it takes {takes(kind)}')


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
    values = stated(path)
    start, base = Experiment(), values.pop('base', None)
    if not isinstance(base, str | None): raise InputError(f'{path}: base got {base!r}, it takes a name or the path of a .toml file')
    if base is not None: start = resolved(found(base, path.parent, f'{path}: base'), (*above, path.resolve()))
    return start.override(str(path), **values)


def stated(path) -> dict:
    "What a TOML file says."
    try: return tomllib.loads(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError) as e: raise InputError(f'experiment {path} cannot be read: {e.__class__.__name__}') from e
    except tomllib.TOMLDecodeError as e: raise InputError(f'experiment {path} is not valid TOML: {e}') from e


def differences(experiment) -> dict:
    "The fields in which an experiment differs from the baseline."
    base = asdict(Experiment())
    return {k: v for k, v in asdict(experiment).items() if v != base[k]}


def toml(experiment) -> str:
    "The whole recipe as TOML; `load_experiment` reads it back to an equal experiment."
    show = {bool: lambda x: str(x).lower(), str: lambda x: f'"{x}"'}
    return ''.join(f'{k} = {show.get(type(v), repr)(v)}\n' for k, v in asdict(experiment).items())
