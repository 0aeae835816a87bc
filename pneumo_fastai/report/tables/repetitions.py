"Settings and their repetitions, from finished runs or a sweep: what each is worth, what it differs by from the first, and which is chosen."
import re
from dataclasses import asdict

from ...errors import InputError
from ...evaluation.cross_validation import spread
from ...evaluation.repetitions import best, differences, measured
from ...evaluation.settings import Settings
from ...evaluation.shift import beyond_valid, on_shared
from ...grid import REPEATS, said
from ...runs.environment import pace

KIND = 'held_out'  # the field whose values have a test of their own each
SEEDS = re.compile(rf', ({"|".join(REPEATS)})=\d+')
MACHINE = dict(precision='precision', device='device', processor='processor', threads='threads')  # by their names in environment.json


def of_sweep(sweep, choices=None, reveal=False):
    """`compared` of a `runs.sweeps.Sweep`: the rows are the grid without `REPEATS`, one is chosen on valid, of a sweep over `KIND` one of
    each; test is looked at for that one alone, or with `reveal` for all."""
    settings = {}
    for m in sweep.grid.members:
        own, again = ({k: v for k, v in m.values.items() if (k in REPEATS) == repeats} for repeats in (False, True))
        name = said(own, ', ') or sweep.grid.name
        rest = said({k: v for k, v in own.items() if k != KIND}, ', ')
        row = settings.setdefault(name, dict(setting=name, runs={}, planned=0, failed={}, kind=own.get(KIND), rest=rest))
        row['planned'] += 1
        if m.name in sweep.runs: row['runs'][said(again, ', ')] = sweep.runs[m.name]
        if m.name in sweep.failed: row['failed'][m.name] = sweep.failed[m.name]
    found = compared(list(settings.values()), choices, reveal, choose=True)
    waiting = [m.name for m in sweep.grid.members if m.name not in sweep.runs and m.name not in sweep.failed]
    return dict(found, title=sweep.title, members=len(sweep.grid.members), finished=len(sweep.runs), waiting=waiting,
                warnings=[*sweep.doubts, *found['warnings']])


def of_runs(runs, choices=None):
    "`compared` of runs, those as one setting that differ in `REPEATS` and nothing else; test is looked at for all, none is chosen."
    settings = grouped(runs)
    rows = [dict(setting=name, runs=s, planned=len(s), failed={}) for name, s in zip(names(settings), settings, strict=True)]
    doubts = [f'{run.folder.name}: {doubt}' for run in runs for doubt in run.doubts]
    found = compared(rows, choices, reveal=True)
    return dict(found, title=f'{len(runs)} runs on {found["data"]}', members=len(runs), finished=len(runs), waiting=[],
                warnings=[*doubts, *found['warnings']])


def grouped(runs, alike=None):
    """The runs of each setting, which is what `alike` says of a run (`setting_of` unless given), by repetition. Of one recipe and one seed
    there is no repetition: something else makes two of them differ."""
    settings = {}
    for run in runs:
        again, key = said({k: run.recipe[k] for k in REPEATS}, ', '), (alike or setting_of)(run)
        nth = next(n for n in range(len(runs)) if again not in settings.get((key, n), ()))
        settings.setdefault((key, nth), {})[again] = run
    return list(settings.values())


def setting_of(run):
    "What two runs have in common that are one setting once more: recipe and images. An ensemble is no repetition of anything."
    own = str(run.folder) if run.environment.get('networks') else ''
    recipe = tuple((k, v) for k, v in asdict(run.experiment).items() if k not in REPEATS)
    return recipe, run.data['name'], run.synthetic, tuple(sorted(run.cohort['path'])), own


def names(settings):
    "A name for each setting: its experiment's, or where two have one the fields in which they differ, or the folder of the first run."
    runs = [next(iter(s.values())) for s in settings]
    own, recipes = [SEEDS.sub('', run.name) for run in runs], [asdict(run.experiment) for run in runs]
    differ = [k for k in recipes[0] if k not in REPEATS and len({r[k] for r in recipes}) > 1]
    def one(name, recipe):
        if own.count(name) == 1 or not differ: return name
        return f'{name}, {said({k: recipe[k] for k in differ}, ", ")}'
    out = [one(name, recipe) for name, recipe in zip(own, recipes, strict=True)]
    return [n if out.count(n) == 1 else f'{n} ({run.folder.resolve().name})' for n, run in zip(out, runs, strict=True)]


def compared(
    settings,      # setting (its name), runs by repetition, planned (how many repetitions), failed (reasons by member), each; where tests
                   # are of several kinds also `kind`, and `rest`, which is the same for what differs in kind alone
    choices=None,  # a `Settings`
    reveal=True,   # whether test is looked at for all rows
    choose=False,  # whether a row of each kind is chosen on valid, whose test is looked at in any case
) -> dict:
    "rows, kinds, chosen (numbers of rows), revealed, data, synthetic, warnings; plain JSON."
    choices = choices or Settings()
    if not (runs := [run for s in settings for run in s['runs'].values()]): raise InputError('no run is finished; train one first')
    tables = [{k: run.predictions for k, run in s['runs'].items()} for s in settings]
    valid = [measured(t, 'valid', choices) for t in tables]
    groups = of_kinds(settings)
    chosen = [g[i] for g in groups if choose and (i := best([valid[k] for k in g], [settings[k]['planned'] for k in g])) is not None]
    alone = {g[0] for g in groups if len(g) == 1 < len(groups)}  # there is no choice
    rows = [row(s, v, i in chosen and i not in alone) for i, (s, v) in enumerate(zip(settings, valid, strict=True))]
    for i, r in enumerate(rows): r['test'] = measured(tables[i], 'test', choices) if reveal or i in chosen else None
    for split in ('valid', 'test'):
        for g in groups:
            found = differences([tables[i] for i in g], split, choices) if split == 'valid' or reveal else [None]*len(g)
            for i, d in zip(g, found, strict=True): rows[i][f'{split}_difference'] = d
    if len(groups) > 1: shifted(settings, rows, tables, choices)
    said = [w for g in groups for w in choice_warnings([rows[i] for i in g], [settings[i] for i in g])] if choose else []
    return dict(rows=rows, kinds=[settings[g[0]]['kind'] for g in groups if len(groups) > 1], chosen=chosen, revealed=reveal,
                data=', '.join(dict.fromkeys(run.data['name'] for run in runs)), synthetic=any(run.synthetic for run in runs),
                warnings=[*warnings(rows, runs), *dict.fromkeys(said)])


def of_kinds(settings):
    "Numbers of the settings whose tests are of one kind, and can be compared, by kind."
    kinds = [s.get('kind') for s in settings]
    return [[i for i, k in enumerate(kinds) if k == kind] for kind in dict.fromkeys(kinds)]


def shifted(settings, rows, tables, choices):
    "Adds to rows whose test is shown what it lost beside valid, and beside the same setting with a random test on the images of both."
    shown = {(s['kind'], s['rest']): t for s, r, t in zip(settings, rows, tables, strict=True) if r['test']}
    for s, r, t in zip(settings, rows, tables, strict=True):
        seen = shown.get(('none', s['rest'])) if s['kind'] != 'none' else None
        r['lost'] = beyond_valid(r['valid'], r['test']) if r['test'] else None
        r['unseen'] = on_shared(t, seen, choices) if r['test'] and seen else None


def row(setting, valid, chosen):
    "What a row says besides its test: how it was trained, and how fast."
    runs = setting['runs']
    paces = [pace(run.environment) for run in runs.values()]
    minutes, rates = ([p[i] for p in paces] for i in (0, 1))
    return dict(setting=setting['setting'], kind=setting.get('kind'), chosen=chosen, planned=setting['planned'], failed=setting['failed'],
                repetitions=list(runs), folders=[run.folder.name for run in runs.values()], valid=valid,
                minutes=dict(by_repetition=minutes, **spread(minutes)), images_per_second=dict(by_repetition=rates, **spread(rates)))


def patients(runs, split): return {patient for run in runs for patient in run.predictions.loc[run.predictions['split'] == split, 'patient']}


def warnings(rows, runs):
    "What a reader has to know before trusting the table, a sentence each."
    for key, name in MACHINE.items():
        several = dict.fromkeys(str(run.environment.get(key)) for run in runs if key in run.environment)
        if len(several) > 1: yield f'The runs differ in {name}: {", ".join(several)}. A difference between rows may come from that.'
    yield from dict.fromkeys(f'{note[0].upper()}{note[1:]}.' for run in runs for note in run.not_random)
    if all(len(r['repetitions']) == 1 for r in rows):
        yield 'Each row is one training: how far another seed would move it is not known.'


def choice_warnings(rows, settings):
    "What a reader has to know of a choice between rows besides."
    if any('valid sets differ' in (r['valid_difference'] or {}).get('reason', '') for r in rows):
        yield 'The rows do not all have the same valid images: the choice between them is partly one between images.'
    runs = [run for s in settings for run in s['runs'].values()]
    if len(rows) > 1 and (both := patients(runs, 'valid') & patients(runs, 'test')):
        yield (f'{len(both):,} patients are in valid of one training and in test of another: the chosen row was chosen on some of the '
               'patients that it is tested on.')
