"What a sweep's folder holds besides its members: numbers, tables, figure and page, from their saved files alone."
import json
from dataclasses import asdict

from ...evaluation.metrics import METRICS
from ...evaluation.settings import Settings
from ...experiment import Experiment, differences
from ...runs.checksums import renewing, write_sums
from ...runs.sweeps import read_sweep
from ...writing import write
from ..figures import style
from ..figures.learning_curve import learning_curves
from ..figures.sweep import by_setting
from ..html import Page, document
from ..labels import NAMES
from ..templating import spread
from . import learning
from . import settings as setting_table
from .repetitions import of_sweep


def finish(folder, reveal=False):
    "All of it, after training; what `of_sweep` found."
    found = present(sweep := read_sweep(folder), reveal=reveal)
    if len(sweep.runs) == len(sweep.grid.members): write_sums(folder)  # last: a sweep that has it is finished; each member has its own
    return found


def remeasure(folder, choices=None, reveal=False, force=False):
    "All of it once more, of whatever members are finished; `force` as for `read_run`."
    sweep = read_sweep(folder, force)
    with renewing(folder): return present(sweep, choices, reveal)


def present(sweep, choices=None, reveal=False):
    choices = choices or Settings()
    found = dict(of_sweep(sweep, choices, reveal), curves=learning.curves(sweep, choices, reveal))
    write(sweep.folder/'sweep.json', json.dumps(dict(found, choices=asdict(choices)), indent=1, allow_nan=False))
    setting_table.save(found, *(sweep.folder/f'sweep.{kind}' for kind in ('csv', 'tex', 'md')))
    style.save(by_setting(found, sweep.synthetic), sweep.folder/'sweep.png')
    if shown := [(learning.title(*c), c[1]) for c in learning.each(found)]:
        style.save(learning_curves(shown, sweep.synthetic), sweep.folder/'learning_curve.png')
    write_page(sweep, found, choices)
    return found


def write_page(sweep, found, choices):
    "report.html; returns its path."
    header, rows = setting_table.table(found)
    own = [(k, v, getattr(Experiment, k)) for k, v in differences(sweep.grid.base).items() if k not in sweep.grid.axes]
    command = next(iter(sweep.runs.values())).environment.get('command', 'not stated')
    said = {name: getattr(setting_table, name)(found) for name in ('words', 'meaning', 'trouble')}
    tables = dict(header=header, rows=rows, each=list(each(found)), more_header=['', *(NAMES[m] for m in METRICS)], more=list(more(found)),
                  learning=learning.words(found), shares=learning.table(found))
    page = document(Page(sweep.synthetic), sweep.title, 'sweep', sweep=sweep, found=found, chosen=asdict(choices), own=own, command=command,
                    **said, **tables)
    return write(sweep.folder/'report.html', ''.join(page))


def each(found):
    "A row for each training."
    for r in found['rows']:
        several = (o['by_repetition'] for o in (r['valid']['metrics']['auroc'], r['minutes'], r['images_per_second']))
        for name, repetition, auroc, minutes, rate in zip(r['folders'], r['repetitions'], *several, strict=True):
            shown = 'not defined' if auroc is None else f'{auroc:.3f}'
            yield name, r['setting'], repetition, shown, *(setting_table.amount(dict(mean=v)) for v in (minutes, rate))


def more(found):
    "A row for each setting on valid and, where it is shown, on test."
    for r in found['rows']:
        for split in ('valid', 'test'):
            if r[split]: yield f'{r["setting"]}, {split}', *(spread(r[split]['metrics'][m]) for m in METRICS)
