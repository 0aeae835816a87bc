"python -m pneumo_fastai.evaluate: a run's numbers, figures and report once more, or several runs in one table, from saved files alone."
import sys
from pathlib import Path

from .cli import check_out, check_resampling, command_line, run
from .errors import InputError
from .evaluation.settings import Settings, rule
from .screen import bar

RUNS = "folder of a run, a cross-validation or a sweep, to measure anew from its saved files; several runs, to compare with the first"
TABLES = '.csv', '.tex', '.md'
OWN_RULES = '--operating-point and --error are the run\'s own {}; evaluate the run with them first, alone'


def evaluate(
    *runs:RUNS,
    data:str = None,                 # another labelled data set, as fit takes it: the run's model is measured on it, in a folder of its own
    operating_point:str = 'youden',  # rule of the threshold: youden, sensitivity=0.95, specificity=0.9, cost=5 (a miss in false alarms)
    prevalence:float = None,         # where the model would be used: PPV and NPV are stated for it too
    error:float = 0.1,               # error rate of the conformal prediction sets, in each class
    n_boot:int = 1000,               # resamples of patients, where an interval rests on them
    seed:int = 0,                    # of the resamples and folds, and of the patients that --norms draws
    out:str = None,                  # of --data: the new folder (one beside the run); of several runs: OUT.csv, .tex, .md (comparison)
    precision:str = None,            # of --data: float32 unless given, or bfloat16: faster where the processor has it, and rougher
    norms:int = None,                # of --data: the network takes mean and variance of its batch norms from so many patients there (AdaBN)
    cache:str = None,                # of --data: where decoded images are kept; the user's cache folder unless given
    reveal:bool = False,             # of a sweep: look at test for all of its settings, not for the chosen one alone
    force:bool = False,              # measure also what is not as it was when the run ended; the report then says so
):
    "Measure a run anew from its saved predictions, without images, or compare several, or measure its model on another data set."
    check_resampling(n_boot, seed)
    choices = Settings(n_boot=n_boot, seed=seed, prevalence=prevalence, error_rate=error, **rule(operating_point))
    ruled = (operating_point, error) != ('youden', 0.1)
    there = {k: v for k, v in dict(precision=precision, norms=norms, cache=cache).items() if v is not None}
    if data: return elsewhere(runs, data, out, there, choices, ruled, reveal, force)
    for name in there: raise InputError(f'--{name} is for --data; leave it out, the predictions are saved already')
    from .runs.folder import is_sweep
    swept = len(runs) == 1 and is_sweep(runs[0])
    if reveal and not swept: raise InputError('--reveal is for the folder of a sweep, the test of runs is always shown; leave it out')
    if len(runs) > 1: return compared(runs, choices, out or 'comparison', force)
    if out: raise InputError('--out is for the table of several runs; leave it out, a run\'s own folder gets its numbers')
    from .report import terminal
    from .report.tables import sweeps
    if not swept: return measured(runs[0], choices, ruled, force)
    terminal.show_settings(sweeps.remeasure(runs[0], choices, reveal, force))
    terminal.read(Path(runs[0])/'report.html')


def elsewhere(runs, data, out, there, choices, ruled, reveal, force):
    "A run's model on another data set, on the screen and in a folder of its own."
    if len(runs) > 1: raise InputError(f'--data measures one run, {len(runs)} are given; give them one after the other')
    if ruled: raise InputError(OWN_RULES.format('with --data'))
    if reveal or force: raise InputError('--reveal and --force are not for --data; leave them out')
    with bar('loading torch'):
        from .explain.external import evaluate_on
    given = dict(n_boot=choices.n_boot, seed=choices.seed, prevalence=choices.prevalence)
    run, metrics = evaluate_on(runs[0], data, out, command_line(), **there, **given)
    from .report import terminal
    terminal.show_elsewhere(run, metrics)
    terminal.read(run.folder/'report.html')


def measured(folder, choices, ruled, force):
    "A run or a cross-validation, on the screen and in its folder."
    from .report import terminal, words, written
    from .runs.external import of
    from .runs.folder import is_cross_validation
    if ruled and (told := of(folder)) and 'adapted' not in told: raise InputError(OWN_RULES.format('in an evaluation elsewhere'))
    if is_cross_validation(folder):
        found, result = written.remeasure_folds(folder, choices, force)
        terminal.show_folds(found.title, result)
    else:
        found, metrics = written.remeasure(folder, choices, force)
        if found.adapted: terminal.show_adapted(found, metrics)
        elif found.of: terminal.show_elsewhere(found, metrics)
        else: terminal.show_run(found.title, metrics, words.also_in_words(metrics))
    terminal.read(found.folder/'report.html')


def compared(runs, choices, out, force):
    "One table of several runs, on the screen and in three files: of those that are a setting's repetitions, mean and standard deviation."
    from .report import terminal
    from .report.tables import repetitions
    from .report.tables import settings as setting_table
    from .report.tables import side_by_side as comparison
    from .runs.folder import check_different, ended, read_run
    files = [f'{out}{ending}' for ending in TABLES]
    for file in files: check_out(file, new=True)
    check_different(found := [ended(read_run(folder, force), force) for folder in runs])
    if other := next((r for r in found if r.of), None):
        raise InputError(f'{other.folder} is measured on other images, beside its own run already; give runs')
    if 1 < len(repetitions.grouped(found)) < len(found):
        terminal.show_settings(side := repetitions.of_runs(found, choices))
        setting_table.save(side, *files)
    else:
        terminal.show_comparison(side := comparison.side_by_side(found, choices))
        comparison.save(side, *files)
    terminal.written(*files)


if __name__ == '__main__':
    sys.exit(run(evaluate))
