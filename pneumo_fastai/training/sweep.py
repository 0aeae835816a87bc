"A sweep: a run for each member of a grid, into one folder. What is there is kept, what fails stops nobody."
import shutil
import traceback
from contextlib import suppress

from ..data.prepare import bare, deciding
from ..errors import InputError
from ..runs.checksums import SUMS
from ..runs.folder import GRID
from ..runs.state import alone
from ..runs.sweeps import FAILED, grid_text
from ..writing import write
from . import crew, members
from .callbacks.non_finite import NonFinite

INSTEAD = 'give another --out'


def train_sweep(
    folder,    # the sweep's: new, or one to go on with
    grid,      # a `Grid`
    cohorts,   # prepared, by `deciding` of a member's experiment
    command,   # as typed
    progress,  # a started rich Progress
    hands=None,  # a `Crew`; this process unless given
    minutes=10,  # as for `fit_into`
) -> dict:
    "Train each member that has no folder yet, in the grid's order; returns why each one failed that did, by its name."
    members.check_same(folder, INSTEAD, grid.base, next(iter(cohorts.values())), **{GRID: grid_text(grid)})
    with alone(folder, INSTEAD):
        (folder/SUMS).unlink(missing_ok=True)  # until it is finished again
        if hands: return train_beside(folder, grid, cohorts, hands, progress)
        return train_members(folder, grid, cohorts, command, progress, minutes)


def train_members(folder, grid, cohorts, command, progress, minutes):
    failed, every = {}, grid.members
    overall = progress.add_task('members', total=len(every), note='')
    for k, member in enumerate(every, 1):
        there = (folder/member.name).exists()
        progress.console.print(f'member {k} of {len(every)}: {member.name}{", done" if there else ""}', markup=False, soft_wrap=True)
        if not there:
            try: train_one(folder, grid, member, cohorts, command, progress, minutes)
            except Exception as e: failed[member.name] = noted(folder, member, e, progress)  # whatever it is, the others can go on
            forget(progress, overall)
        progress.advance(overall)
    return failed


def train_beside(folder, grid, cohorts, hands, progress):
    "The same by a `Crew`."
    failed, named = {}, {m.name: m for m in grid.members if not (folder/m.name).exists()}
    progress.console.print(f'{len(grid.members) - len(named)} of {len(grid.members)} members are done')
    def ended(name, error):
        if error: failed[name] = noted(folder, named[name], error, progress, f'{name} failed')
    for name in named: (folder/f'{name}{FAILED}').unlink(missing_ok=True)
    sums = {how: crew.sum_of(cohort) for how, cohort in cohorts.items()}
    each = [crew.Member(folder/m.name, m.experiment, titled(grid, m), bare(m.experiment), sums[deciding(m.experiment)])
            for m in named.values()]
    crew.train_apart(folder, each, hands, progress, ended)
    return failed


def titled(grid, member): return f'{grid.name}, {member.name.replace(",", ", ")}'


def train_one(folder, grid, member, cohorts, command, progress, minutes):
    (folder/f'{member.name}{FAILED}').unlink(missing_ok=True)
    cohort = cohorts[deciding(member.experiment)]
    members.train_member(folder/member.name, member.experiment, cohort, command, progress, titled(grid, member), minutes=minutes)


def noted(folder, member, error, progress, head='failed'):
    """Why it failed, in a line; also in the member's file beside, with the way there where it is not the user's to mend. What it has learnt
    stays for the next try."""
    reason = ' '.join(str(error).split()) if isinstance(error, InputError | OSError) else f'{type(error).__name__}: {error}'
    progress.console.print(f'{head}: {reason}', markup=False, soft_wrap=True)
    if isinstance(error, NonFinite): shutil.rmtree(members.partial(folder/member.name), ignore_errors=True)
    more = '' if isinstance(error, InputError) else ''.join(traceback.format_exception(error))
    with suppress(OSError): write(folder/f'{member.name}{FAILED}', f'{reason}\n{more}')
    return reason


def forget(progress, overall):
    "What a member took in memory and on the screen is given back before the next one."
    for task in progress.task_ids:
        if task != overall: progress.remove_task(task)
    members.give_back_all()
