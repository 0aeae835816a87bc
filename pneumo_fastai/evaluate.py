"python -m pneumo_fastai.evaluate: a run's numbers, figures and report once more, or several runs in one table, from saved files alone."
import sys

from .cli import check_out, check_resampling, run
from .errors import InputError
from .evaluation.settings import Settings, rule

RUNS = "folder of a run or of a cross-validation, to measure anew from its saved files; several runs, to compare with the first"


def evaluate(
    *runs:RUNS,
    operating_point:str = 'youden',  # rule of the threshold: youden, sensitivity=0.95, specificity=0.9, cost=5 (a miss in false alarms)
    prevalence:float = None,         # where the model would be used: PPV and NPV are stated for it too
    error:float = 0.1,               # error rate of the conformal prediction sets, in each class
    n_boot:int = 1000,               # resamples of patients, where an interval rests on them
    seed:int = 0,                    # of the resamples and folds
    out:str = 'comparison',          # of several runs: the table is written to OUT.csv and OUT.tex
    force:bool = False,              # measure also what is not as it was when the run ended; the report then says so
):
    "Measure a run anew from its saved predictions, without images, or compare several."
    check_resampling(n_boot, seed)
    choices = Settings(n_boot=n_boot, seed=seed, prevalence=prevalence, error_rate=error, **rule(operating_point))
    if len(runs) > 1: return compared(runs, choices, out, force)
    if out != 'comparison': raise InputError('--out is for the table of several runs; leave it out, a run\'s own folder gets its numbers')
    from .report import terminal, words, written
    from .runs.folder import is_cross_validation
    if is_cross_validation(runs[0]):
        found, result = written.rewrite_folds(runs[0], choices, force)
        terminal.show_folds(found.title, result)
    else:
        found, metrics = written.rewrite(runs[0], choices, force)
        terminal.show_run(found.title, metrics, words.also_in_words(metrics))
    terminal.read(found.folder/'report.html')


def compared(runs, choices, out, force):
    "One table of several runs, on the screen and in two files."
    from .report import comparison, terminal
    from .runs.folder import check_different, ended, read_run
    files = [f'{out}{ending}' for ending in ('.csv', '.tex')]
    for file in files: check_out(file, new=True)
    check_different(found := [ended(read_run(folder, force), force) for folder in runs])
    side = comparison.side_by_side(found, choices)
    terminal.show_comparison(side)
    comparison.save(side, *files)
    terminal.written(*files)


if __name__ == '__main__':
    sys.exit(run(evaluate))
