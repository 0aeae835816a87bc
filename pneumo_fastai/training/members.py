"Several trainings in one folder: made of the same, by one process at a time, each in a folder of its own that is whole or not there."
import gc

import torch

from .. import experiment as recipes
from ..csv_files import csv_text
from ..errors import InputError
from ..memory import give_back
from ..processes import rank
from ..runs.state import PARTIAL, kept
from ..writing import write
from . import run as runs


def check_same(folder, instead, experiment, cohort, **more):
    """Write what all have in common: recipe, images and, by file name, the texts `more`; raises `InputError` where a folder to go on with
    was made of something else, to which `instead` would be the remedy."""
    parts = {'experiment.toml': recipes.toml(experiment), 'patients.csv': csv_text(cohort.table[['path', 'patient', 'label']]), **more}
    for name, text in parts.items():
        if not (folder/name).exists(): write(folder/name, text)
        elif not says(folder/name, text, experiment):
            what = 'set of images' if name == 'patients.csv' else 'recipe'
            raise InputError(f'{folder} was begun with another {what}; give the same command and --data, or {instead}')


def says(file, text, experiment):
    "Whether it is what would be written; of a recipe, whatever fields there were when it was."
    if file.name == 'experiment.toml': return recipes.load_experiment(str(file))[1] == experiment
    return file.read_text(encoding='utf-8') == text


def partial(place): return place.with_name(f'{place.name}{PARTIAL}')


def train_member(place, experiment, cohort, command, progress, name, stop=None, minutes=10):
    """A finished run in the folder `place`, which must not exist: trained beside, from where an interruption left it, then renamed. `stop`
    and `minutes` as for `fit_into`."""
    beside = partial(place)
    if rank(): return runs.fit_into(beside, experiment, cohort, command, progress, name, minutes=minutes)
    beside.mkdir(exist_ok=True)
    with kept(beside):
        learn = runs.fit_into(beside, experiment, cohort, command, progress, name, stop, minutes)
        runs.finish(learn, beside, experiment)
    beside.rename(place)


def give_back_all():
    "What a member took in memory, before the next one."
    gc.collect()  # a learner and its callbacks hold each other
    if torch.cuda.is_initialized(): torch.cuda.empty_cache()
    give_back()
