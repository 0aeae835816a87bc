"What a command shows: one console, progress bars, tables."
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

console = Console(highlight=False)


def progress() -> Progress:
    return Progress(TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TextColumn('{task.fields[note]}'),
                    TimeElapsedColumn(), TextColumn('elapsed,'), TimeRemainingColumn(), TextColumn('left'), console=console)


@contextmanager
def bar(description):
    "A progress bar from the first moment; yields `tick(done, total, rejected=0)`."
    with progress() as p:
        task = p.add_task(description, total=None, note='')
        def tick(done, total, rejected=0):
            rate = f'{p.tasks[0].speed:.0f}/s' if p.tasks[0].speed else ''
            p.update(task, completed=done, total=total, note=f'{rate}, {rejected} rejected' if rejected else rate)
        yield tick


def table(title, columns, rows):
    "Print a table: texts to the left, numbers to the right."
    t = Table(title=escape(title), title_justify='left', title_style='bold')
    for i, column in enumerate(columns): t.add_column(column, justify='left' if i == 0 else 'right')
    for row in rows: t.add_row(*(escape(str(cell)) for cell in row))
    console.print(t)


def note(text, head='note'):
    "Print what a user must not miss; names in it are not taken for markup."
    console.print(f'[yellow]{head}:[/] {escape(text)}', soft_wrap=True)


def pointers(folder):
    "Where a run is, and what to do next."
    import shlex
    console.print(f'\nrun folder: {folder}\n'
                  f'  read   {folder}/report.html\n'
                  f'  use    python -m pneumo_fastai.predict {shlex.quote(str(folder))} a-file-or-folder', soft_wrap=True, markup=False)


def show_cohort(cohort, summary):
    "Counts by split, notes and rejected files, before anything is trained on them."
    synthetic = ', synthetic: drawn by a program, no patient\'s' if cohort.synthetic else ''
    rows = [(name, f'{r["images"]:,}', f'{r["patients"]:,}', f'{r["pneumonia"]:,}', f'{r["prevalence"]:.1%}')
            for name, r in summary.to_dict('index').items()]
    table(f'{cohort.name} ({cohort.layout}{synthetic})', ['split', 'images', 'patients', 'pneumonia', 'prevalence'], rows)
    for text in cohort.notes: note(text)
    if len(cohort.rejected): note(f'{len(cohort.rejected)} files, listed in rejected.csv', 'rejected')


def cohort_ready(data, experiment, cache, check=lambda cohort: None):
    "Read, decode and split what `data` names, with progress bars, and show it; `check` sees it before anything is decoded."
    with bar('reading the cohort') as tick:
        from .data.prepare import find_cohort, prepare, stepped
        from .data.split import split_summary
        cohort = find_cohort(data, cache, tick)
    check(cohort)
    with bar('decoding images') as tick: cohort = prepare(cohort, experiment, cache, tick)
    show_cohort(stepped(cohort, experiment.batch_size), split_summary(cohort.table))
    return cohort
