"A sweep: a run for each member of a grid, into one folder. What is there is kept, what fails stops nobody."
import gc
import shutil
import traceback
from contextlib import suppress

import torch

from ..data.prepare import deciding
from ..errors import InputError
from ..memory import give_back
from ..runs.checksums import SUMS
from ..runs.folder import GRID
from ..runs.state import alone
from ..runs.sweeps import FAILED, grid_text
from ..writing import write
from . import members

INSTEAD = 'give another --out'


def train_sweep(
    folder,    # the sweep's: new, or one to go on with
    grid,      # a `Grid`
    cohorts,   # prepared, by `deciding` of a member's experiment
    command,   # as typed
    progress,  # a started rich Progress
) -> dict:
    "Train each member that has no folder yet, in the grid's order; returns why each one failed that did, by its name."
    members.check_same(folder, INSTEAD, grid.base, next(iter(cohorts.values())), **{GRID: grid_text(grid)})
    with alone(folder, INSTEAD):
        (folder/SUMS).unlink(missing_ok=True)  # until it is finished again
        return train_members(folder, grid, cohorts, command, progress)


def train_members(folder, grid, cohorts, command, progress):
    failed, every = {}, grid.members
    overall = progress.add_task('members', total=len(every), note='')
    for k, member in enumerate(every, 1):
        there = (folder/member.name).exists()
        progress.console.print(f'member {k} of {len(every)}: {member.name}{", done" if there else ""}', markup=False, soft_wrap=True)
        if not there:
            try: train_one(folder, grid, member, cohorts, command, progress)
            except Exception as e: failed[member.name] = noted(folder, member, e, progress)  # whatever it is, the others can go on
            forget(progress, overall)
        progress.advance(overall)
    return failed


def train_one(folder, grid, member, cohorts, command, progress):
    (folder/f'{member.name}{FAILED}').unlink(missing_ok=True)
    name = f'{grid.name}, {member.name.replace(",", ", ")}'
    members.train_member(folder/member.name, member.experiment, cohorts[deciding(member.experiment)], command, progress, name)


def noted(folder, member, error, progress):
    "Why it failed, in a line; also in the member's file beside, with the way there where it is not the user's to mend."
    reason = ' '.join(str(error).split()) if isinstance(error, InputError | OSError) else f'{type(error).__name__}: {error}'
    progress.console.print(f'failed: {reason}', markup=False, soft_wrap=True)
    shutil.rmtree(members.partial(folder/member.name), ignore_errors=True)
    more = '' if isinstance(error, InputError) else ''.join(traceback.format_exception(error))
    with suppress(OSError): write(folder/f'{member.name}{FAILED}', f'{reason}\n{more}')
    return reason


def forget(progress, overall):
    "What a member took in memory and on the screen is given back before the next one."
    for task in progress.task_ids:
        if task != overall: progress.remove_task(task)
    gc.collect()  # a learner and its callbacks hold each other
    if torch.cuda.is_initialized(): torch.cuda.empty_cache()
    give_back()
