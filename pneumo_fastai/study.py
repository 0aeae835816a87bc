"python -m pneumo_fastai.study: which recipe, then? The tables and the figure of a study, from the saved files of finished runs alone."
import sys
from pathlib import Path

from .cli import check_folder, check_out, check_resampling, run
from .errors import InputError
from .experiment import unknown
from .screen import bar

FOLDERS = 'folders that hold finished runs, ensembles and evaluations elsewhere, at any depth; archives of --keep too'
PAGES, OUT = ('.md', '.markdown'), 'study'


def study(
    *folders:FOLDERS,
    page:str = None,     # a page of Markdown: what stands between its lines <!-- study: begin --> and <!-- study: end --> is made anew
    out:str = None,      # the folder of study.md, such a page, and of the figure; study unless given, or beside --page
    keep:str = None,     # also a .tar.xz of what the tables are made of, small enough to publish: study reads it like the runs
    reference:str = 'weighted',  # the shipped experiment that the others are compared with
    n_boot:int = 1000,   # resamples of patients, where an interval rests on them
    seed:int = 0,        # of the resamples
):
    "Tables and a figure of all recipes in finished runs, by data set: mean and sd over seeds, differences, hardware. Nothing is trained."
    check_resampling(n_boot, seed)
    from .runs import kept
    if page and out: raise InputError('--page and --out both say where the page goes; leave out one of them')
    if page: check_out(page, PAGES, what='page of Markdown', option='--page')
    else: check_folder(out or OUT)
    if keep: check_out(keep, [kept.ENDING], what='archive', option='--keep')
    from .evaluation.settings import Settings
    from .report import marked, terminal
    from .report.tables import named
    from .report.tables import study as tables
    from .runs.search import search
    if reference not in named.shipped(): raise InputError(unknown('reference', reference, named.shipped()))
    marked.around(page := page or Path(out or OUT)/'study.md')
    with kept.unpacked(folders) as (places, archives):
        with bar('reading runs') as tick: found = search(places, tick, archives)
        with bar('comparing'): told = tables.of(found, Settings(n_boot=n_boot, seed=seed), reference)
        terminal.show_study(told)
        terminal.written(*tables.save(told, page), *([kept.keep(found, keep)] if keep else []))


if __name__ == '__main__':
    sys.exit(run(study))
