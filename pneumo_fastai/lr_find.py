"python -m pneumo_fastai.lr_find: which learning rate an experiment could take."
import sys

from .checks import check_network
from .cli import check_out, run
from .errors import InputError
from .experiment import load_experiment
from .memory import keep_freed
from .screen import bar, console, table

KINDS = '.png', '.pdf', '.svg', '.jpg'
LEAST, MOST = 30, 10_000  # steps: the rule `slide` looks at 16 after the cuts, which 23 leave; the loss may diverge some before the end


def lr_find(
    exp:str = 'baseline',  # an experiment's name, or the path of its TOML file
    data:str = 'demo',     # 'demo', or a folder, as for fit
    steps:int = 100,       # training steps of the mock training, the rate growing from 1e-7 to 10
    out:str = 'lr_find.png',  # the curve's file, replaced where there is one
    cache:str = None,      # where decoded images are kept; the user's cache folder unless given
    **overrides,
):
    "Suggest learning rates by the range test (Smith 2015) and draw its curve."
    from .report.reading import cohort_ready
    check_out(out, KINDS)
    keep_freed()
    if not LEAST <= steps <= MOST:
        raise InputError(f'steps is {steps}, it takes {LEAST} to {MOST:,}: the first tenth and the last five are cut off')
    name, experiment = load_experiment(exp, **overrides)
    check_network(experiment)
    cohort = cohort_ready(data, experiment, cache)
    with bar('range test') as tick:
        from .training.range_test import curve, range_test
        suggestions, recorder = range_test(experiment, cohort, steps, tick)
    table(f'learning rates suggested for {name} on {cohort.name}', ['rule', 'rate'], [(k, f'{v:.2e}') for k, v in suggestions.items()])
    curve(recorder, suggestions, out, f'{name} on {cohort.name}' + (', synthetic data' if cohort.synthetic else ''))
    console.print(f"the experiment's own rate is {experiment.lr:.2e}; the curve: {out}", soft_wrap=True)


if __name__ == '__main__':
    sys.exit(run(lr_find))
