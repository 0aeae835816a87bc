"python -m pneumo_fastai.audit: look at a data set before training on it."
import sys
from pathlib import Path

from .cli import check_out, run
from .experiment import DATA, load_experiment
from .screen import console


def findings_file(out): return Path(out).with_suffix('.json')


def audit(
    data:str = 'demo',     # 'demo', or a folder, as for fit
    exp:str = 'baseline',  # an experiment's name, or the path of its TOML file: its size and splits are looked at
    out:str = 'audit.png',  # the figure's file; the findings are written beside it as .json; both replaced where there are such
    cache:str = None,      # where decoded images are kept; the user's cache folder unless given
    **overrides:DATA,
):
    "Count, find duplicates, borders and order in a data set, and test what tells its label without a look at the lungs."
    check_out(out, ('.png',))
    check_out(findings_file(out))
    experiment = load_experiment(exp, **overrides)[1]
    from .report.audit import audited, show
    show(audited(data, experiment, out, findings_file(out), cache))
    console.print(f'the figure: {out}; every finding, with all its files: {findings_file(out)}', soft_wrap=True, markup=False)


if __name__ == '__main__':
    sys.exit(run(audit))
