"python -m pneumo_fastai.evaluate: a run's numbers, figures and report once more, or several runs in one table, from saved files alone."
import sys

from .cli import check_out, check_resampling, run

SHARES = 'sensitivity', 'specificity'
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
    from .errors import InputError
    from .evaluation.settings import Settings
    from .runs.folder import check_different, ended, is_cross_validation, read_run
    check_resampling(n_boot, seed)
    choices = Settings(n_boot=n_boot, seed=seed, prevalence=prevalence, error_rate=error, **rule(operating_point))
    if len(runs) > 1:
        check_different(found := [ended(read_run(folder, force), force) for folder in runs])
        return several(found, choices, out)
    if out != 'comparison': raise InputError('--out is for the table of several runs; leave it out, a run\'s own folder gets its numbers')
    (together if is_cross_validation(runs[0]) else one)(runs[0], choices, force)


def rule(text):
    "`operating_point` as fields of `Settings`; `InputError` for anything else."
    from .errors import InputError
    name, _, value = text.partition('=')
    try:
        if name == 'youden' and not value: return dict(rule='youden')
        if name in SHARES: return {'rule': name, name: float(value)}
        if name == 'cost': return dict(rule='cost', miss=float(value))
    except ValueError: pass
    raise InputError(f'operating-point got {text!r}, it takes youden, sensitivity=0.95, specificity=0.9 or cost=5')


def one(folder, choices, force):
    from .report.words import also_in_words, console_table, in_words
    from .report.written import rewrite
    from .screen import console, note
    found, metrics = rewrite(folder, choices, force)
    console.print(console_table(metrics, found.title, found.synthetic))
    for line in (*in_words(metrics), *also_in_words(metrics)): console.print(line, markup=False)
    for warning in metrics['warnings']: note(warning)
    console.print(f'\nread {found.folder}/report.html', soft_wrap=True, markup=False)


def together(folder, choices, force):
    from .report.written import rewrite_folds
    from .screen import console
    cv, result = rewrite_folds(folder, choices, force)
    show_folds(cv.title, result)
    console.print(f'\nread {cv.folder}/report.html', soft_wrap=True, markup=False)


def show_folds(title, result):
    "The table of the folds, what it means, and warnings."
    from .report.cross_validation import on_screen, words
    from .screen import console, note, table
    title = f'{title}{" (synthetic data)" if result["synthetic"] else ""}, test of each fold at its own threshold'
    table(f'{title}: n = {result["n"]} images of {result["patients"]} patients', *on_screen(result))
    for line in words(result): console.print(line, markup=False)
    for warning in result['warnings']: note(warning)


def several(runs, choices, out):
    from pathlib import Path

    from .csv_files import csv_text
    from .errors import InputError
    from .report import comparison
    from .runs.files import write
    from .screen import console, table
    paths = [Path(f'{out}{ending}') for ending in ('.csv', '.tex')]
    for path in paths:
        if path.exists(): raise InputError(f'{path} exists; give another name with --out')
        check_out(path)
    side = comparison.side_by_side(runs, choices)
    header, rows, paired = comparison.table(side)
    cells = [[c.replace(' [', '\n[') if len(side) > 3 else c for c in row] for row in (*rows, *paired)]
    table('test, each run at its own threshold', header, cells)
    for line in comparison.notes(side): console.print(line, markup=False)
    write(paths[0], csv_text(comparison.frame(side)))
    write(paths[1], comparison.latex(side))
    console.print(f'written: {paths[0]} and {paths[1]}', soft_wrap=True, markup=False)


if __name__ == '__main__':
    sys.exit(run(evaluate))
