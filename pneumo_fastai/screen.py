"The one console, with progress bars, tables and notes."
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

console = Console(highlight=False)
NOTICE = 'For research and education, not for diagnosis.'


def progress(period=30) -> Progress:
    return Progress(TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TextColumn('{task.fields[note]}'),
                    TimeElapsedColumn(), TextColumn('elapsed,'), TimeRemainingColumn(), TextColumn('left'), console=console,
                    speed_estimate_period=period)


@contextmanager
def bar(
    description,
    period=30,  # seconds that the rate is taken over: more where ticks are rare
):
    "A progress bar from the first moment; yields `tick(done, total, rejected=0)`."
    with progress(period) as p:
        task = p.add_task(description, total=None, note='')
        def tick(done, total, rejected=0):
            speed = p.tasks[0].speed or 0
            rate = f'{speed:.{0 if speed >= 10 else 1}f}/s' if speed else ''
            p.update(task, completed=done, total=total, note=f'{rate}, {rejected} rejected' if rejected else rate)
        yield tick


NARROW = dict(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True, padding=(0, 1, 0, 0))  # of a rich table


def table(title, columns, rows, narrow=False):
    "Print a table: texts to the left, numbers to the right; `narrow`: without lines between columns, and the first alone may wrap."
    t = Table(title=escape(title), title_justify='left', title_style='bold', **(NARROW if narrow else {}))
    for i, column in enumerate(columns):
        t.add_column(column, justify='left' if i == 0 else 'right', no_wrap=narrow and i > 0, overflow='ellipsis' if i else 'fold')
    for row in rows: t.add_row(*(escape(str(cell)) for cell in row))
    console.print(t)


def note(text, head='note'):
    "Print what a user must not miss; names in it are not taken for markup."
    console.print(f'[yellow]{head}:[/] {escape(text)}', soft_wrap=True)
