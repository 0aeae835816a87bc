"Cross-validation: a run for each patient-disjoint fold, what they say together, and their networks as one model."
import shutil
from dataclasses import replace

from filelock import FileLock, Timeout

from .. import experiment as recipes
from ..csv_files import csv_text
from ..data.prepare import prepare
from ..errors import InputError
from ..inference.bundle import Bundle, export, joined
from ..report.sections.cross_validation import present
from ..report.written import measure_folds
from ..runs.checksums import SUMS, write_sums
from ..runs.folds import read_folds
from ..writing import write
from . import run as runs
from .learner import get_learner
from .loaders import get_dls


def cross_validate(
    folder,      # the run's: a new one, or one that was interrupted
    name,        # the experiment's
    experiment,  # with `folds` of 2 or more
    cohort,      # prepared
    command,     # as typed
    progress,    # a started rich Progress
) -> dict:
    "Train what is not yet trained, each fold into fold-1/, fold-2/, ...; returns what cv.json holds. A finished fold is never touched."
    check_same(folder, experiment, cohort)
    (folder/SUMS).unlink(missing_ok=True)  # until it is finished again
    try:
        with FileLock(folder/'lock', timeout=0): train_folds(folder, name, experiment, cohort, command, progress)
    except Timeout as e: raise InputError(f'{folder} is being trained by another process; wait for it, or leave out --resume') from e
    progress.add_task('measuring and drawing', total=None, note='')
    cv = read_folds(folder)
    result = measure_folds(cv)
    bundles = [Bundle.load(run.folder) for run in cv.folds]
    export(cv, result['ensemble'], bundles)
    runs.save_learner(joined_learner(folder, experiment, cohort, bundles), folder)
    present(cv, result)
    write_sums(folder)  # last: of what is in the folder itself; each fold has its own
    return result


def train_folds(folder, name, experiment, cohort, command, progress):
    "Each fold that has no folder yet: trained beside, then renamed."
    for k in range(experiment.folds):
        place, partial = folder/f'fold-{k + 1}', folder/f'fold-{k + 1}.partial'
        if place.exists(): continue
        shutil.rmtree(partial, ignore_errors=True)  # what an interruption left
        partial.mkdir()
        progress.console.print(f'fold {k + 1} of {experiment.folds}')
        one = replace(experiment, folds=0)
        learn = runs.fit_into(partial, one, prepare(cohort, experiment, fold=k), command, progress,
                              f'{name}, fold {k + 1} of {experiment.folds}')
        runs.finish(learn, partial, one)
        partial.rename(place)


def check_same(folder, experiment, cohort):
    "Write what the folds have in common; raises `InputError` where a folder to go on with was made of something else."
    parts = {'experiment.toml': recipes.toml(experiment), 'patients.csv': csv_text(cohort.table[['path', 'patient', 'label']])}
    for name, text in parts.items():
        if not (folder/name).exists(): write(folder/name, text)
        elif (folder/name).read_text(encoding='utf-8') != text:
            what = 'recipe' if name == 'experiment.toml' else 'set of images'
            raise InputError(f'{folder} was begun with another {what}; give the same command and --data, or leave out --resume')


def joined_learner(folder, experiment, cohort, bundles):
    "A fastai `Learner` of the folds' networks as one, with fold 1's normalisation, as the ensemble's input."
    dls = get_dls(replace(experiment, folds=0), prepare(cohort, experiment, fold=0))
    learn = get_learner(experiment, dls, path=folder)
    learn.model = joined(bundles).requires_grad_()  # fastai's export makes an optimiser, which wants something to train
    return learn
