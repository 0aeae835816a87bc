"python -m pneumo_fastai.fit: train, measure and export one experiment."
import shlex
import sys
from pathlib import Path

from rich.markup import escape

from .cli import check_folder, command_line, flag, run
from .errors import InputError
from .experiment import differences, load_experiment, names
from .memory import keep_freed
from .recipe import Network
from .screen import console, progress


def fit(
    exp:str = 'baseline',  # an experiment's name, or the path of its TOML file
    data:str = 'demo',     # 'demo', or a folder: RSNA's Kaggle layout, class folders, or one with a manifest.csv
    out:str = 'runs',      # the folder in which the run gets its own new folder
    cache:str = None,      # where decoded images are kept; the user's cache folder unless given
    resume:str = None,     # the folder of an interrupted cross-validation (--folds): its finished folds are kept
    sweep:list[str] = None,  # FIELD=VALUE,VALUE,... of any fields: a run for each combination; the same command goes on with it
    reveal:bool = False,   # of a sweep: look at test for all settings, not for the one alone that valid chose
    **overrides,
):
    "Train a pneumonia classifier on a folder of chest radiographs, measure it once on patients it has not seen, and export it."
    name, experiment = load_experiment(exp, **overrides)
    if sweep: return swept(checked_grid(name, experiment, sweep, resume, overrides), data, out, cache, reveal)
    if reveal: raise InputError('--reveal is for a sweep, a run always shows its test; leave it out, or give --sweep')
    again = resumed(resume, experiment) if resume else check_folder(out)
    check_network(experiment)
    train(name, experiment, data, cache, again, out)


def train(name, experiment, data, cache, again, out):
    "A run, or the folds of a cross-validation, in the folder `again` or in a new one of `out`."
    from .report.reading import cohort_ready
    from .report.terminal import pointers, show_run
    console.print(f'experiment [bold]{escape(name)}[/]: {escape(str(differences(experiment) or "the baseline"))}')
    cohort = cohort_ready(data, experiment, cache)
    if experiment.weights: check_weights(experiment, cohort)
    keep_freed()  # from here on: what reading took is given back
    with progress() as p:
        waiting = p.add_task('loading fastai', total=None, note='')
        from .runs.folder import new_folder
        from .training import run
        folder = again or new_folder(out, name)
        p.remove_task(waiting)
        if experiment.folds: return cross_validation(folder, name, experiment, cohort, p)
        learn = run.fit_into(folder, experiment, cohort, command_line(), p, name)
        p.add_task('measuring and drawing', total=None, note='')
        metrics = run.finish(learn, folder, experiment)
    show_run(f'{name} on {cohort.name}', metrics)
    pointers(folder)


def checked_grid(name, experiment, sweep, resume, overrides):
    "The `Grid`; raises `InputError` where something else on the command line contradicts it, or a member cannot be."
    from .grid import grid
    found = grid(name, experiment, sweep)
    if resume: raise InputError('--resume is for a cross-validation, a sweep goes on by the same command; leave out --resume')
    if twice := [k for k in found.axes if overrides.get(k) is not None]:
        raise InputError(f'{twice[0]} is given twice, by {flag(twice[0])} and by --sweep; leave out one of them')
    asked = {tuple(getattr(m.experiment, k) for k in (*names(Network), 'size', 'gradcam_layers')): m.experiment for m in found.members}
    for each in asked.values(): check_network(each)
    return found


def swept(grid, data, out, cache, reveal):
    "Every member, the table of them, and at the end what failed: then with `InputError`, that is status 2."
    from .report.reading import cohorts_ready
    from .report.terminal import read, show_settings
    check_folder(out)
    folder = (Path(out)/grid.folder).resolve()
    console.print(f'sweep of {len(grid.members)} members into {folder}\nto go on after an interruption: the same command', soft_wrap=True,
                  markup=False)
    cohorts = cohorts_ready(data, [m.experiment for m in grid.members], cache)
    keep_freed()
    with progress() as p:
        waiting = p.add_task('loading fastai', total=None, note='')
        from .report.tables.sweeps import finish
        from .training.sweep import train_sweep
        folder.mkdir(parents=True, exist_ok=True)
        p.remove_task(waiting)
        failed = train_sweep(folder, grid, cohorts, command_line(), p)
        found = finish(folder, reveal)
    show_settings(found)
    read(folder/'report.html')
    why = '; '.join(f'{name}: {reason}' for name, reason in failed.items())
    if failed: raise InputError(f'{len(failed)} of {len(grid.members)} members failed, the same command tries them again; {why}')


def check_network(experiment):
    "`InputError` where there is no such network, layer with maps, or weights to start from, before anything is read."
    from .models.zoo import build, check, described
    e = experiment
    check(**described(e))
    if not (e.gradcam_layers or e.weights or e.arch.startswith('timm:')): return  # most need not be built to be known
    net = build(**described(e))
    if e.size_start not in (0, e.size) and getattr(net, 'fixed', False):
        raise InputError(f'arch {e.arch} takes images of one size, size_start {e.size_start} is another; set it to 0')
    if e.gradcam_layers: check_layers(net, e)
    if e.weights:
        from .training.initial import start
        start(net, e)


def check_weights(experiment, cohort):
    from .training.initial import check_unseen
    check_unseen(experiment, cohort)


def check_layers(net, experiment):
    from .explain import gradcam, layers
    layers.check_layers(net, gradcam.names(experiment.gradcam_layers), experiment.size)


def resumed(folder, experiment):
    "The folder to go on with; raises `InputError` where that is not one of a cross-validation."
    if not experiment.folds: raise InputError('--resume goes on with a cross-validation; give its --folds too')
    if not (Path(folder)/'patients.csv').is_file(): raise InputError(f'{folder} holds no interrupted cross-validation; leave out --resume')
    return Path(folder).resolve()


def cross_validation(folder, name, experiment, cohort, progress):
    "Every fold, the table of all, and how to use the ensemble."
    from .report.terminal import pointers, show_folds
    from .training.folds import cross_validate
    again = f'--resume {shlex.quote(str(folder))}'
    console.print(f'to go on after an interruption: the same command with {again}', soft_wrap=True, markup=False)
    result = cross_validate(folder, name, experiment, cohort, command_line(), progress)
    progress.stop()
    show_folds(f'{name} on {cohort.name}', result)
    pointers(folder)


if __name__ == '__main__':
    sys.exit(run(fit))
