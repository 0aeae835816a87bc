"python -m pneumo_fastai.fit: train, measure and export one experiment."
import shlex
import sys

from .cli import check_folder, run


def fit(
    exp:str = 'baseline',  # an experiment's name, or the path of its TOML file
    data:str = 'demo',     # 'demo', or a folder: RSNA's Kaggle layout, class folders, or one with a manifest.csv
    out:str = 'runs',      # the folder in which the run gets its own new folder
    cache:str = None,      # where decoded images are kept; the user's cache folder unless given
    resume:str = None,     # the folder of an interrupted cross-validation (--folds): its finished folds are kept
    **overrides,
):
    "Train a pneumonia classifier on a folder of chest radiographs, measure it once on patients it has not seen, and export it."
    from . import experiment as recipes
    from .memory import keep_freed
    from .screen import cohort_ready, console, progress
    name, experiment = recipes.load_experiment(exp, **overrides)
    again = resumed(resume, experiment) if resume else check_folder(out)
    check_maps(experiment)
    console.print(f'experiment [bold]{name}[/]: {recipes.differences(experiment) or "the baseline"}')
    cohort = cohort_ready(data, experiment, cache)
    keep_freed()  # from here on: what reading took is given back
    with progress() as p:
        waiting = p.add_task('loading fastai', total=None, note='')
        from .runs.folder import new_folder
        from .training import run
        folder = again or new_folder(out, name)
        p.remove_task(waiting)
        if experiment.folds: return cross_validation(folder, name, experiment, cohort, p)
        learn, predictions = run.fit_into(folder, experiment, cohort, command_line(), p, name)
        p.add_task('measuring and drawing', total=None, note='')
        metrics = run.finish(learn, predictions, folder, experiment)
    report(metrics, f'{name} on {cohort.name}', folder)


def check_maps(experiment):
    "`InputError` where the recipe names a layer that gives no maps, before anything is read."
    if not experiment.gradcam_layers: return
    from .explain.gradcam import names
    from .explain.layers import check_layers
    from .models.zoo import build
    check_layers(build(experiment.arch), names(experiment.gradcam_layers), experiment.size)


def resumed(folder, experiment):
    "The folder to go on with; raises `InputError` where that is not one of a cross-validation."
    from pathlib import Path

    from .errors import InputError
    if not experiment.folds: raise InputError('--resume goes on with a cross-validation; give its --folds too')
    if not (Path(folder)/'patients.csv').is_file(): raise InputError(f'{folder} holds no interrupted cross-validation; leave out --resume')
    return Path(folder).resolve()


def cross_validation(folder, name, experiment, cohort, progress):
    "Every fold, the table of all, and how to use the ensemble."
    from .evaluate import show_folds
    from .screen import console, pointers
    from .training.folds import cross_validate
    again = f'--resume {shlex.quote(str(folder))}'
    console.print(f'to go on after an interruption: the same command with {again}', soft_wrap=True, markup=False)
    result = cross_validate(folder, name, experiment, cohort, command_line(), progress)
    progress.stop()
    show_folds(f'{name} on {cohort.name}', result)
    pointers(folder)


def command_line(): return 'python -m pneumo_fastai.fit ' + shlex.join(sys.argv[1:])


def report(metrics, title, folder):
    "The table of metrics, the run's folder and what to do next."
    from .report.words import console_table, in_words
    from .screen import console, note, pointers
    console.print(console_table(metrics, title, metrics['synthetic']))
    for line in in_words(metrics): console.print(line, markup=False)
    for warning in metrics['warnings']: note(warning)
    pointers(folder)


if __name__ == '__main__':
    sys.exit(run(fit))
