"python -m pneumo_fastai.ensemble: several trained runs as one model, from saved files alone."
import sys

from .cli import command_line, run

RUNS = 'the folders of two or more finished runs with one split, such as three that differ in --seed'


def ensemble(
    *runs:RUNS,
    out:str = 'runs',  # the folder in which the ensemble gets its own new folder
):
    "Make one model of several trained runs, its probability the mean of theirs, and measure it as a run; nothing is trained."
    from .inference.ensemble import combine
    from .report.terminal import pointers, show_run
    from .report.words import members_in_words
    made, metrics = combine(runs, out, command_line())
    show_run(made.title, metrics, members_in_words(metrics))
    pointers(made.folder)


if __name__ == '__main__':
    sys.exit(run(ensemble))
