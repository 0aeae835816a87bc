"Settings and their repetitions, from finished runs or a sweep: what each is worth, what it differs by from the first, and which is chosen."
import re
from dataclasses import asdict

from ..errors import InputError
from ..evaluation.cross_validation import spread
from ..evaluation.repetitions import best, differences, measured
from ..evaluation.settings import Settings
from ..grid import REPEATS, said
from .labels import number

SEEDS = re.compile(rf', ({"|".join(REPEATS)})=\d+')
MACHINE = dict(precision='precision', device='device', processor='processor', threads='threads')  # by their names in environment.json


def of_sweep(sweep, choices=None, reveal=False):
    """`compared` of a `runs.sweeps.Sweep`: the rows are the grid without `REPEATS`, one is chosen on valid; test is looked at for that one
    alone, or with `reveal` for all."""
    settings = {}
    for m in sweep.grid.members:
        own, again = ({k: v for k, v in m.values.items() if (k in REPEATS) == repeats} for repeats in (False, True))
        row = settings.setdefault(said(own), dict(setting=said(own) or sweep.grid.name, runs={}, planned=0, failed={}))
        row['planned'] += 1
        if m.name in sweep.runs: row['runs'][said(again)] = sweep.runs[m.name]
        if m.name in sweep.failed: row['failed'][m.name] = sweep.failed[m.name]
    found = compared(list(settings.values()), choices, reveal, choose=True)
    waiting = [m.name for m in sweep.grid.members if m.name not in sweep.runs and m.name not in sweep.failed]
    return dict(found, title=sweep.title, members=len(sweep.grid.members), finished=len(sweep.runs), waiting=waiting,
                warnings=[*sweep.doubts, *found['warnings']])


def of_runs(runs, choices=None):
    "`compared` of runs, those as one setting that differ in nothing but `REPEATS`; test is looked at for all, none is chosen."
    settings = {}
    for run in runs:
        row = settings.setdefault(setting_of(run), dict(setting=None, runs={}, failed={}))
        name = again = said({k: run.recipe[k] for k in REPEATS})
        while name in row['runs']: name = f'{again} ({len(row["runs"]) + 1})'
        row['runs'][name] = run
    rows = list(settings.values())
    for row, name in zip(rows, names([next(iter(r['runs'].values())) for r in rows]), strict=True): row['setting'] = name
    doubts = [f'{run.folder.name}: {doubt}' for run in runs for doubt in run.doubts]
    found = compared([dict(r, planned=len(r['runs'])) for r in rows], choices, reveal=True)
    return dict(found, title=f'{len(runs)} runs', members=len(runs), finished=len(runs), waiting=[], warnings=[*doubts, *found['warnings']])


def setting_of(run):
    "What two runs have in common that are one setting once more."
    own = str(run.folder) if run.environment.get('networks') else ''  # an ensemble is no repetition of anything
    return *((k, v) for k, v in asdict(run.experiment).items() if k not in REPEATS), run.data['name'], own


def names(runs):
    "A name for each setting: its experiment's, or where two have one the fields in which they differ."
    own, recipes = [SEEDS.sub('', run.name) for run in runs], [asdict(run.experiment) for run in runs]
    differ = [k for k in recipes[0] if k not in REPEATS and len({r[k] for r in recipes}) > 1]
    out = [n if own.count(n) == 1 else f'{n}, {said({k: r[k] for k in differ})}'.rstrip(', ') for n, r in zip(own, recipes, strict=True)]
    return [n if out.count(n) == 1 else f'{n} ({run.folder.resolve().name})' for n, run in zip(out, runs, strict=True)]


def compared(
    settings,      # setting (its name), runs by repetition, planned (how many repetitions), failed (reasons by member), each
    choices=None,  # a `Settings`
    reveal=True,   # whether test is looked at for all rows
    choose=False,  # whether a row is chosen on valid, whose test is looked at in any case
) -> dict:
    "rows, chosen (its number), revealed, data, synthetic, warnings; plain JSON."
    choices = choices or Settings()
    if not (runs := [run for s in settings for run in s['runs'].values()]): raise InputError('no run is finished; train one first')
    tables = [{k: run.predictions for k, run in s['runs'].items()} for s in settings]
    valid = [measured(t, 'valid', choices) for t in tables]
    chosen = best(valid, [s['planned'] for s in settings]) if choose else None
    rows = [row(s, v, i == chosen) for i, (s, v) in enumerate(zip(settings, valid, strict=True))]
    for i, r in enumerate(rows): r['test'] = measured(tables[i], 'test', choices) if reveal or i == chosen else None
    for split in ('valid', 'test'):
        found = differences(tables, split, choices) if split == 'valid' or reveal else [None]*len(rows)
        for r, d in zip(rows, found, strict=True): r[f'{split}_difference'] = d
    return dict(rows=rows, chosen=chosen, revealed=reveal, data=', '.join(dict.fromkeys(run.data['name'] for run in runs)),
                synthetic=any(run.synthetic for run in runs), warnings=list(warnings(rows, runs, choose)))


def row(setting, valid, chosen):
    "What a row says besides its test: how it was trained, and how fast."
    runs = setting['runs']
    taken = [run.environment.get('training', {}) for run in runs.values()]
    minutes = [t['seconds']/60 for t in taken if 'seconds' in t]
    rates = [t['images']/t['steps_seconds'] for t in taken if t.get('steps_seconds')]
    return dict(setting=setting['setting'], chosen=chosen, planned=setting['planned'], failed=setting['failed'], repetitions=list(runs),
                folders=[run.folder.name for run in runs.values()], valid=valid, minutes=dict(by_repetition=minutes, **spread(minutes)),
                images_per_second=dict(by_repetition=rates, **spread(rates)))


def warnings(rows, runs, choose):
    "What a reader has to know before trusting the table, a sentence each."
    for key, name in MACHINE.items():
        several = dict.fromkeys(str(run.environment.get(key)) for run in runs if key in run.environment)
        if len(several) > 1: yield f'The runs differ in {name}: {", ".join(several)}. A difference between rows may come from that.'
    if choose and any('valid sets differ' in (r['valid_difference'] or {}).get('reason', '') for r in rows):
        yield 'The rows do not all have the same valid images: the choice between them is partly one between images.'
    if all(len(r['repetitions']) == 1 for r in rows):
        yield 'Each row is one training: how far another seed would move it is not known.'


def words(found):
    "The finding, a sentence each."
    if found['chosen'] is None: return
    r = found['rows'][found['chosen']]
    valid, test = (r[split]['metrics']['auroc'] for split in ('valid', 'test'))
    yield (f'Chosen on valid, of {len(found["rows"])} settings: {r["setting"]}, by the highest mean AUROC, {mean_sd(valid)} over '
           f'{len(r["repetitions"])} of {r["planned"]} repetitions.')
    yield f'On test it has AUROC {mean_sd(test)}, 95% interval over patients {ends(test)}.'


def mean_sd(values, digits=3):
    "Like `0.912 ± 0.004`; of one repetition the number alone."
    if values['mean'] is None: return 'not defined'
    return f'{values["mean"]:.{digits}f}' + ('' if values['sd'] is None else f' \u00b1 {values["sd"]:.{digits}f}')


def ends(auroc): return number(dict(value=auroc['mean'], low=auroc['low'], high=auroc['high'])).partition(' ')[2]
