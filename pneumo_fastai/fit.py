"python -m pneumo_fastai.fit: train, measure and export one experiment."
import sys

from .cli import run


def fit(
    exp:str = 'baseline',  # an experiment's name, or the path of its TOML file
    data:str = 'demo',     # 'demo', or a folder: RSNA's Kaggle layout, class folders, or one with a manifest.csv
    out:str = 'runs',      # the folder in which the run gets its own new folder
    cache:str = None,      # where decoded images are kept; the user's cache folder unless given
    **overrides,
):
    "Train a pneumonia classifier on a folder of chest radiographs, measure it once on persons it has not seen, and export it."
    from . import experiment as recipes
    from .screen import cohort_ready, console, progress
    name, experiment = recipes.load_experiment(exp, **overrides)
    console.print(f'experiment [bold]{name}[/]: {recipes.differences(experiment) or "the baseline"}')
    cohort = cohort_ready(data, experiment, cache)
    with progress() as p:
        waiting = p.add_task('loading fastai', total=None, note='')
        from .training import run as runs
        folder = runs.new_folder(out, name)
        p.remove_task(waiting)
        learn, predictions = runs.fit_into(folder, experiment, cohort, command_line(), p, name)
        p.add_task('measuring and drawing', total=None, note='')
        metrics = runs.finish(learn, predictions, folder, experiment)
    report(metrics, f'{name} on {cohort.name}', folder)


def command_line(): return 'python -m pneumo_fastai.fit ' + ' '.join(sys.argv[1:])


def report(metrics, title, folder):
    "The table of metrics, the run's folder and what to do next."
    from .evaluation.report import console_table, in_words
    from .screen import console, note
    console.print(console_table(metrics, title, metrics['synthetic']))
    for line in in_words(metrics): console.print(line, markup=False)
    for warning in metrics['warnings']: note(warning)
    console.print(f'\nrun folder: {folder}\n'
                  f'  read   {folder}/report.html\n'
                  f'  use    python -m pneumo_fastai.predict {folder} a-file-or-folder', soft_wrap=True, markup=False)


if __name__ == '__main__':
    sys.exit(run(fit))
