"The folder of a cross-validation: its folds, each a run, read together and checked."
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..errors import InputError
from ..experiment import load_experiment
from .folder import FOLD, Run, changed_in, ended, is_cross_validation, read_run
from .state import how_on

OWN = 'data', 'experiment', 'packages', 'command', 'training', 'resumed'  # of a fold's environment: not to be named beside the others'


@dataclass
class CrossValidation(Run):
    "`predictions` are the test rows of every fold, with `fold` from 1; the cohort's split is the fold that tests the image."
    @property
    def splits(self): return [f'fold {k}' for k in range(1, len(self.folds) + 1)]
    @property
    def trained_on(self): return self.cohort  # each image in all folds but those that test it or choose by it


def read_folds(
    folder,       # that fit --folds wrote
    force=False,  # as for `read_run`, of each fold and of the folder's own files
) -> CrossValidation:
    "Raises `InputError` where a fold is not finished or not as it was, or where the folds do not test each image once."
    folder = Path(folder)
    changed = changed_in(folder, force)
    experiment = load_experiment(folder/'experiment.toml')[1]
    places = {k: folder/f'fold-{k}' for k in range(1, experiment.folds + 1)}
    if missing := [k for k, place in places.items() if not place.is_dir()]: raise InputError(unfinished(folder, missing, experiment.folds))
    runs = [read_run(place, force) for place in places.values()]
    first, rows = runs[0], pd.concat([r.predictions.query('split == "test"').assign(fold=k) for k, r in enumerate(runs, 1)])
    check_once(folder, rows, first.cohort)
    fold = first.cohort['path'].map(rows.set_index('path')['fold'])
    name = f'{FOLD.sub("", first.name)}, {len(runs)}-fold cross-validation'
    return CrossValidation(folder, name, first.data, rows.reset_index(drop=True), first.cohort.assign(split=[f'fold {k}' for k in fold]),
                           first.history.iloc[:0], first.rejected, experiment, environment(runs),
                           doubts=[*changed, *(f'{r.folder.name}: {doubt}' for r in runs for doubt in r.doubts)], folds=tuple(runs))


def whole_folds(folder) -> CrossValidation:
    "A finished cross-validation, as `read_folds` gives it; `InputError`, which says how to make one, for any other folder."
    folder = Path(folder)
    if is_cross_validation(folder): return ended(read_folds(folder))
    if not folder.is_dir(): raise InputError(f'{folder} is no folder; give that of a cross-validation, which fit --folds 5 makes')
    if is_cross_validation(whole := folder.resolve().parent): raise InputError(f'{folder} is one fold; give {whole}, the whole')
    raise InputError(f'{folder} is no cross-validation, in which each image has a probability from a network that never saw its patient; '
                     'give one that fit --folds 5 made')


def unfinished(folder, missing, folds):
    "The line that says which folds are missing and what would train them."
    which = f'fold{"s" if len(missing) > 1 else ""} {", ".join(map(str, missing))} of {folds}'
    return f'{folder} lacks {which}; {how_on(folder)}'


def check_once(folder, rows, cohort):
    "`InputError` unless each image of the cohort is in the test split of one fold."
    if (twice := rows['path'].duplicated()).any():
        raise InputError(f'{twice.sum()} images are tested by two folds of {folder}, one is {rows["path"][twice].iloc[0]!r}; '
                         'train the folds anew with fit')
    if lost := set(cohort['path']) ^ set(rows['path']):
        raise InputError(f'{len(lost)} images are not both in the cohort and in the test of a fold of {folder}, one is {min(lost)!r}; '
                         'train the folds anew with fit')


def environment(runs):
    "The folds' as one; where they differ, as after an interruption, every value is named."
    def one(found): return ', '.join(dict.fromkeys(str(v) for v in found if v is not None))
    all_of = [r.environment for r in runs]
    out = {k: one(e.get(k) for e in all_of) for k in all_of[0] if k not in OWN}
    packages = [e.get('packages', {}) for e in all_of]
    commands = dict.fromkeys(e.get('command', 'not stated') for e in all_of)
    return dict(out, command='\n'.join(commands), packages={k: one(o.get(k) for o in packages) for k in packages[0]})
