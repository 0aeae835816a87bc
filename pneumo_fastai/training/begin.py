"How a run begins, or goes on: what it is made of is written where it begins, and has to be the same where it goes on."
import json
import shutil
from dataclasses import replace

import torch

from .. import experiment as recipes
from ..csv_files import csv_text
from ..data import signatures
from ..errors import InputError
from ..processes import world
from ..runs.checksums import SUMS
from ..runs.environment import changed, machine
from ..runs.files import read_json
from ..writing import half_written, write
from . import checkpoints
from .callbacks.precision import Precision
from .checkpoints import HEAD
from .determinism import not_deterministic


def begun(folder, experiment, cohort, say) -> tuple:
    """What a training in `folder` that was interrupted has to go on with, and its recipe with the precision that 'auto' chose; None where
    it begins, with all that it is made of written, and the recipe as it is."""
    for left in half_written(folder): shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    kept = checkpoints.latest(folder/checkpoints.FOLDER, say)
    if kept is None:
        write(folder/'experiment.toml', recipes.toml(experiment))
        write_cohort(folder, cohort)
        return None, experiment
    check_same(folder, cohort)
    say(f'goes on at epoch {kept["epoch"]}{", the head alone" if kept["phase"] == HEAD else ""}, step {kept["step"]}')
    return kept, replace(experiment, precision=read_json(folder/'environment.json')['precision'])


def check_same(folder, cohort):
    "`InputError` unless the cohort is the one that the run in `folder` was begun with, image for image."
    if (folder/'split.csv').read_text(encoding='utf-8') != cohort_text(cohort):
        raise InputError(f'{folder} was begun with another set of images than {cohort.name}: paths, labels, patients or splits are others; '
                         'put them back as they were, or train a new run')
    other = (signatures.load(folder/signatures.FILE, len(cohort.table)) != signatures_of(cohort)).any(1).sum()
    if not other: return
    raise InputError(f'{other:,} images of {cohort.name} are not those that {folder} was begun with; put them back, or train a new run')


def write_cohort(folder, cohort):
    "split.csv, with every column of the cohort, rejected.csv, and what recognises these images elsewhere."
    write(folder/'split.csv', cohort_text(cohort))
    write(folder/'rejected.csv', csv_text(cohort.rejected))
    signatures.save(folder/signatures.FILE, signatures_of(cohort))


def cohort_text(cohort): return csv_text(cohort.table.assign(boxes=cohort.table.boxes.map(json.dumps)))
def signatures_of(cohort): return signatures.signatures(cohort.pixels, list(cohort.table.path), cohort.pixels.how[1])


def written_environment(folder, learn, command, name, kept, say) -> dict:
    "environment.json."
    about = gone_on(folder, learn, command, kept, say) if kept else environment(learn, command, name)
    write(folder/'environment.json', json.dumps(about, indent=1))
    return about


def environment(learn, command, name) -> dict:
    "What another person needs to know to see the same numbers."
    precision = precision_of(learn)
    cohort = learn.dls.cohort
    data = dict(name=cohort.name, layout=cohort.layout, synthetic=cohort.synthetic, notes=list(cohort.notes))
    return dict(command=command, experiment=name, data=data, precision=precision.resolved(), precision_trial=precision.trial,
                not_deterministic=not_deterministic(learn), checksums=SUMS, **here(learn),
                **({'weights': learn.begun} if learn.begun else {}))


def here(learn) -> dict: return dict(processes=world(), **machine(learn.dls.device, torch.get_num_threads()))
def precision_of(learn) -> Precision: return next(cb for cb in learn.cbs if isinstance(cb, Precision))


def gone_on(folder, learn, command, kept, say) -> dict:
    "What environment.json said when the run began, with where it goes on and what is another now, which is said too."
    was = read_json(folder/'environment.json')
    other = changed(was, here(learn))
    for what, (before, after) in other.items(): say(f'note: it goes on with another {what}, {after} after {before}: numbers may differ')
    return was | dict(resumed=[*was.get('resumed', []), dict(epoch=kept['epoch'], step=kept['step'], command=command, other=other)])
