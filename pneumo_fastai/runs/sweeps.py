"The folder of a sweep: its grid, and the members that are finished, each a run."
import json
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..experiment import load_experiment, parse
from ..grid import Grid
from .files import read_json
from .folder import GRID, changed_in, ended, read_run

FAILED = '.failed'  # how the file ends that says why a member failed


@dataclass
class Sweep:
    "`runs` of the finished members and the reasons `failed` of others, by name; who is in neither is not trained yet."
    folder:Path
    grid:Grid
    runs:dict
    failed:dict
    doubts:list

    @property
    def data(self): return next(iter(self.runs.values())).data
    @property
    def synthetic(self): return self.data['synthetic']
    @property
    def title(self): return f'Sweep of {self.grid.name} on {self.data["name"]}'


def grid_text(grid): return json.dumps(dict(experiment=grid.name, grid=grid.axes), indent=1)


def read_sweep(
    folder,       # that fit --sweep wrote
    force=False,  # as for `read_run`, of each member and of the folder's own files
) -> Sweep:
    "Raises `InputError` where no member is finished, or one is not as it was when it ended."
    folder = Path(folder)
    changed = changed_in(folder, force)
    grid = grid_of(folder)
    runs = {m.name: read_member(folder, m.name, force) for m in grid.members if (folder/m.name).is_dir()}
    failed = {m.name: reason_of(folder/f'{m.name}{FAILED}') for m in grid.members if (folder/f'{m.name}{FAILED}').is_file()}
    if not runs: raise InputError(f'no member of {folder} is finished{first(failed)}; the same fit command goes on with it')
    return Sweep(folder, grid, runs, failed, [*changed, *(f'{name}: {doubt}' for name, run in runs.items() for doubt in run.doubts)])


def read_member(folder, name, force):
    "Its `Run`; the line of what is wrong names it."
    try: return ended(read_run(folder/name, force), force)
    except InputError as e: raise e if name in str(e) else InputError(f'{name}: {e}') from None


def first(failed): return ''.join(f', {name} failed: {reason}' for name, reason in [*failed.items()][:1])


def grid_of(folder):
    "The `Grid` that the folder was begun with."
    said = read_json(folder/GRID)
    try:
        axes = {field: [parse(field, v, GRID) for v in values] for field, values in said['grid'].items()}
        return Grid(str(said['experiment']), load_experiment(folder/'experiment.toml')[1], axes)
    except (KeyError, TypeError, AttributeError): raise InputError(f'{folder/GRID} has no experiment or grid; fit writes it anew') from None


def reason_of(file): return (file.read_text(encoding='utf-8', errors='replace').splitlines() or ['not stated'])[0]
