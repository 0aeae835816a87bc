"Cross-validation: a run for each patient-disjoint fold, what they say together, and their networks as one model."
from dataclasses import replace

from ..data.prepare import prepare
from ..inference.bundle import Bundle, joined
from ..inference.export import export
from ..processes import from_first, rank
from ..report.sections.cross_validation import present
from ..report.written import measure_folds
from ..runs.checksums import SUMS, write_sums
from ..runs.folds import read_folds
from ..runs.state import alone
from . import crew, members
from . import run as runs
from .learner import get_learner
from .loaders import get_dls

INSTEAD = 'leave out --resume'


def cross_validate(
    folder,      # the run's: a new one, or one that was interrupted
    name,        # the experiment's
    experiment,  # with `folds` of 2 or more
    cohort,      # prepared
    command,     # as typed
    progress,    # a started rich Progress
    hands=None,  # a `Crew`; this process unless given
    minutes=10,  # as for `fit_into`
) -> dict:
    """Train what is not yet trained, each fold into fold-1/, fold-2/, ...; returns what cv.json holds. A finished fold is never touched.
    In all but the first of several processes None."""
    if rank(): return train_folds(folder, name, experiment, cohort, command, progress, minutes)
    check_same(folder, experiment, cohort)
    (folder/SUMS).unlink(missing_ok=True)  # until it is finished again
    with alone(folder, INSTEAD):
        if hands: train_beside(folder, name, experiment, cohort, hands, progress)
        else: train_folds(folder, name, experiment, cohort, command, progress, minutes)
    progress.add_task('measuring and drawing', total=None, note='')
    cv = read_folds(folder)
    result = measure_folds(cv)
    bundles = [Bundle.load(run.folder) for run in cv.folds]
    export(cv, result, bundles)
    runs.save_learner(joined_learner(folder, experiment, cohort, bundles), folder)
    present(cv, result)
    write_sums(folder)  # last: of what is in the folder itself; each fold has its own
    return result


def train_folds(folder, name, experiment, cohort, command, progress, minutes):
    "Each fold that has no folder yet."
    def place_of(k): return folder/f'fold-{k + 1}'
    todo = from_first(lambda: [k for k in range(experiment.folds) if not place_of(k).exists()])
    for k in todo:
        progress.console.print(f'fold {k + 1} of {experiment.folds}')
        members.train_member(place_of(k), replace(experiment, folds=0), prepare(cohort, experiment, fold=k), command, progress,
                             titled(name, experiment, k), minutes=minutes)


def train_beside(folder, name, experiment, cohort, hands, progress):
    "The same by a `Crew`, whose workers may be in another folder."
    folder, seen, single = folder.resolve(), crew.sum_of(cohort), replace(experiment, folds=0)
    each = [crew.Member(folder/f'fold-{k + 1}', single, titled(name, experiment, k), experiment, seen, k) for k in range(experiment.folds)]
    each = [m for m in each if not m.place.exists()]
    def ended(name, error):
        if error: raise error
    crew.train_apart(folder, each, hands, progress, ended)


def titled(name, experiment, k): return f'{name}, fold {k + 1} of {experiment.folds}'


def check_same(folder, experiment, cohort): members.check_same(folder, INSTEAD, experiment, cohort)


def joined_learner(folder, experiment, cohort, bundles):
    "A fastai `Learner` of the folds' networks as one, with fold 1's normalisation, as the ensemble's input."
    dls = get_dls(replace(experiment, folds=0), prepare(cohort, experiment, fold=0))
    learn = get_learner(experiment, dls, path=folder)
    learn.model = joined(bundles).requires_grad_()  # fastai's export makes an optimiser, which wants something to train
    return learn
