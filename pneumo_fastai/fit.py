"python -m pneumo_fastai.fit: train, measure and export one experiment."
import sys
from contextlib import contextmanager
from pathlib import Path

from rich.markup import escape

from .checks import check_network, check_networks, check_weights
from .cli import check_folder, command_line, flag, run
from .cluster import check
from .errors import InputError
from .experiment import differences, load_experiment, parse
from .memory import keep_freed
from .processes import by_first, from_first, heard, machine_by_machine, rank, same_everywhere, shareable, together, world
from .screen import console, progress


def fit(
    exp:str = 'baseline',  # an experiment's name, or the path of its TOML file
    data:str = 'demo',     # 'demo', or a folder: RSNA's Kaggle layout, class folders, or one with a manifest.csv
    out:str = 'runs',      # the folder in which the run gets its own new folder
    cache:str = None,      # where decoded images are kept; the user's cache folder unless given
    resume:str = None,     # the folder of a run, a cross-validation or a sweep that was interrupted: goes on with it, nothing else needed
    sweep:list[str] = None,  # FIELD=VALUE,VALUE,... of any fields: a run for each combination; the same command goes on with it
    reveal:bool = False,   # of a sweep: look at test for all settings, not for the one alone that valid chose
    minutes:float = 10.,   # between checkpoints within an epoch, beside one after each, in 2 percent of the time at most; 0: each step
    cluster:str = None,    # folds, sweep: members are trained by dask://HOST:PORT or ray://HOST:PORT, whose workers see the same files
    jobs:int = None,       # folds, sweep: so many processes of this machine train members, each with its share of the cores
    **overrides,
):
    "Train a pneumonia classifier on a folder of chest radiographs, measure it once on patients it has not seen, and export it."
    if not 0 <= minutes < 1e6: raise InputError(f'minutes is {minutes}; give a number from 0')
    check(*(hands := (cluster, jobs)))
    with together(): begin(exp, data, out, cache, resume, sweep, reveal, minutes, hands, overrides)


def begin(exp, data, out, cache, resume, sweep, reveal, minutes, hands, overrides):
    "In this process, or in each of those that torchrun started."
    if any(hands) and world() > 1: raise InputError('--cluster and --jobs start processes of their own; leave them out, or torchrun')
    if resume: return go_on(Path(resume).resolve(), exp, data, cache, sweep, reveal, minutes, overrides, hands)
    name, experiment = load_experiment(exp, **overrides)
    if sweep:
        grid = checked_grid(name, experiment, sweep, overrides)
        check_folder(out)
        return swept(grid, data, (Path(out)/grid.folder).resolve(), cache, reveal, minutes, hands)
    if reveal: raise InputError('--reveal is for a sweep, a run always shows its test; leave it out, or give --sweep')
    check_folder(out)
    shareable(experiment)
    check_network(experiment)
    train(name, experiment, data, cache, None, out, minutes, hands)


def go_on(folder, exp, data, cache, sweep, reveal, minutes, overrides, hands):
    "With what was interrupted, by its own recipe and data; `InputError` where that is nothing, or other fields are given."
    from .runs.folder import is_sweep
    from .runs.state import resumable
    from .runs.sweeps import grid_of
    about = from_first(lambda: resumable(folder))
    data, cache = about['data'] if data == 'demo' else data, cache or about['cache']
    given = [k for k, v in dict(sweep=sweep, exp=exp not in ('baseline', about['experiment'])).items() if v]
    if is_sweep(folder):
        if given := [*given, *(k for k, v in overrides.items() if v is not None)]: own_recipe(folder, given[0])
        return swept(grid_of(folder), data, folder, cache, reveal, minutes, hands)
    if reveal: raise InputError(f'--reveal is for a sweep, which {folder} is not; leave it out')
    experiment = load_experiment(str(folder/'experiment.toml'))[1]
    other = [k for k, v in overrides.items() if v is not None and parse(k, v) != getattr(experiment, k)]
    if given := [*given, *other]: own_recipe(folder, given[0])
    shareable(experiment)
    check_network(experiment)
    train(about['experiment'], experiment, data, cache, folder, None, minutes, hands)


def by(hands, data, cache, minutes):
    "Who trains the members, by cluster and jobs; None: this process."
    from .training.crew import crew
    return crew(data, cache, command_line(), minutes, *hands)


def own_recipe(folder, name): raise InputError(f'--resume goes on with the recipe of {folder}; leave out {flag(name)}')


@contextmanager
def working(folder, name, data, cache):
    "What goes on in `folder` is said in it, and how to go on with it where that is interrupted."
    from .data.prepare import from_anywhere
    from .runs.state import again, kept
    from .training.interrupt import Interrupted
    data, cache = from_anywhere(data), cache and str(Path(cache).resolve())
    try:
        with by_first(lambda: kept(folder, experiment=name, data=data, cache=cache)), heard(): yield
    except KeyboardInterrupt as e:
        raise Interrupted(again(folder), getattr(e, 'signal', 2)) from None


def train(name, experiment, data, cache, again, out, minutes, hands):
    "A run, or the folds of a cross-validation, in the folder `again` or in a new one of `out`."
    if any(hands) and not experiment.folds:
        raise InputError('--cluster and --jobs train the members of --folds or --sweep, and this is a single run; leave them out')
    from .report.terminal import pointers, show_run
    cohort = read_in(name, experiment, data, cache)
    with progress() as p:
        waiting = p.add_task('loading fastai', total=None, note='')
        from .runs.folder import new_folder
        from .runs.state import alone
        from .training import run
        folder = again or from_first(lambda: new_folder(out, name))
        p.remove_task(waiting)
        with working(folder, name, data, cache):
            if experiment.folds: return cross_validation(folder, name, experiment, cohort, p, by(hands, data, cache, minutes), minutes)
            with by_first(lambda: alone(folder)):
                learn = run.fit_into(folder, experiment, cohort, command_line(), p, name, minutes=minutes)
                if rank(): return
                p.add_task('measuring and drawing', total=None, note='')
                metrics = run.finish(learn, folder, experiment)
    show_run(f'{name} on {cohort.name}', metrics)
    pointers(folder)


def read_in(name, experiment, data, cache):
    "The cohort, after what is to be trained on it was said."
    from .report.reading import cohort_ready
    console.print(f'experiment [bold]{escape(name)}[/]: {escape(str(differences(experiment) or "the baseline"))}')
    cohort = machine_by_machine(lambda: cohort_ready(data, experiment, cache))
    same_everywhere(cohort)
    check_weights(experiment, cohort)
    keep_freed()  # from here on: what reading took is given back
    return cohort


def checked_grid(name, experiment, sweep, overrides):
    "The `Grid`; raises `InputError` where something else on the command line contradicts it, or a member cannot be."
    from .grid import grid
    found = grid(name, experiment, sweep)
    if twice := [k for k in found.axes if overrides.get(k) is not None]:
        raise InputError(f'{twice[0]} is given twice, by {flag(twice[0])} and by --sweep; leave out one of them')
    check_networks([m.experiment for m in found.members])
    return found


def swept(grid, data, folder, cache, reveal, minutes, hands):
    "Every member, the table of them, and at the end what failed: then with `InputError`, that is status 2."
    from .report.reading import cohorts_ready
    from .report.terminal import read, show_settings
    if world() > 1: raise InputError('a sweep trains in one process; give its settings to torchrun one by one, or leave torchrun out')
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
        with working(folder, grid.name, data, cache):
            failed = train_sweep(folder, grid, cohorts, command_line(), p, by(hands, data, cache, minutes), minutes)
            found = finish(folder, reveal)
            p.stop()
            show_settings(found)
            read(folder/'report.html')
            why = '; '.join(f'{name}: {reason}' for name, reason in failed.items())
            if failed: raise InputError(f'{len(failed)} of {len(grid.members)} members failed, the same command tries them again; {why}')


def cross_validation(folder, name, experiment, cohort, progress, crew, minutes):
    "Every fold, the table of all, and how to use the ensemble."
    from .report.terminal import pointers, show_folds
    from .training.folds import cross_validate
    if (result := cross_validate(folder, name, experiment, cohort, command_line(), progress, crew, minutes)) is None: return
    progress.stop()
    show_folds(f'{name} on {cohort.name}', result)
    pointers(folder)


if __name__ == '__main__':
    sys.exit(run(fit))
