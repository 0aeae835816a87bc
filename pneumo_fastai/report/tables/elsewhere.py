"Evaluations of runs on other images, from their saved files: a row for each recipe and each data set, over the seeds it was trained with."
from ...evaluation.cross_validation import spread
from ...grid import REPEATS
from ...runs.environment import hardware
from .. import templating
from ..labels import number
from .named import at_size, learnt, name_of, networks
from .recipes import SAYS, TEST, stated
from .settings import HIDDEN, broken

RATES = 'accuracy', 'recall', 'specificity'
ERRORS = 'ece', 'ece_calibrated'
HEADER = ('trained on', 'seeds', 'measured on', 'images', 'patients', 'AUROC, own test', 'AUROC there', 'accuracy', 'sensitivity',
          'specificity', 'ECE', 'ECE after calibration')
SHORT = 'trained on', 'seeds', 'AUROC, own test', 'AUROC there'


def of_one(one):
    "Of a `runs.search.Finished`: facts, plain JSON; None for what its files do not say."
    run, there = one.run, {k: stated(one.metrics, *TEST, k) for k in ('auroc', *RATES)}
    kind = '' if run.recipe['held_out'] == 'none' else f', held_out {run.recipe["held_out"]}'  # which own test is of
    if norms := run.of.get('norms'): kind += f', norms of {norms} patients there'
    values = dict(own=stated(run.of['metrics'], *TEST, 'auroc'), **there, **{k: stated(one.metrics, *SAYS[k]) for k in ERRORS})
    return dict(at=one.at, trained=f'{run.source}: {name_of(run)}, {at_size(run)}{kind}', networks=networks(run),
                learnt=(learnt(run), run.of.get('images')), seed=[run.recipe[k] for k in REPEATS], measured=run.data['name'],
                synthetic=run.synthetic, n=len(run.predictions), on=f'on {hardware(run.environment)}',
                patients=int(run.predictions['patient'].nunique()),
                prevalence=float(run.predictions['label'].mean()), values=values)


def rows(found):
    """By what they were measured on, from the highest mean AUROC there down; `at` and `values` of all that differ in the seed alone, each
    seed once, and where it occurs twice as another row."""
    same, shared = {}, ('trained', 'networks', 'measured', 'synthetic', 'n', 'patients', 'prevalence')
    for r in sorted(map(of_one, found), key=lambda r: r['at']):
        key = r['learnt'], *(r[k] for k in shared)
        own = next((o for o in same.setdefault(key, []) if r['seed'] not in o['seeds']), None)
        if own is None: same[key].append(own := dict({k: r[k] for k in shared}, at=[], on=[], seeds=[],
                                               values={k: [] for k in r['values']}))
        for k in ('at', 'on'): own[k].append(r[k])
        own['seeds'].append(r['seed'])
        for k, v in r['values'].items(): own['values'][k].append(v)
    def place(r): return r['measured'], -r['n'], -(mean(r['values']['auroc']) or 0), r['trained'], r['at']
    found = sorted((o for some in same.values() for o in some), key=place)
    return [dict(o, trained=name) for o, name in zip(found, distinct(found), strict=True)]


def distinct(rows):
    "Their names; of those that are measured on one data set and have one name, with the machine, and where that is one too the place."
    names = [r['trained'] for r in rows]
    for what in ('on', 'at'):
        told, keys = [r[what][0] for r in rows], [(n, r['measured'], r['n']) for n, r in zip(names, rows, strict=True)]
        differ = [len({t for t, k in zip(told, keys, strict=True) if k == key}) > 1 for key in keys]
        names = [f'{n} ({t})' if d else n for n, t, d in zip(names, told, differ, strict=True)]
    return names


def lacking(rows):
    "The places of those whose files do not say all of it."
    return [at for r in rows for at, *values in zip(r['at'], *r['values'].values(), strict=True) if None in values]


def cells(r):
    return (r['trained'], f'{r["networks"]} networks' if r['networks'] else str(len(r['seeds'])), r['measured'], f'{r["n"]:,}',
            f'{r["patients"]:,}', *(shown(r['values'][k]) for k in ('own', 'auroc', *RATES, *ERRORS)))


def shown(values):
    "Of one training with its interval, of several mean and standard deviation."
    if None in values: return HIDDEN
    return number(values[0]) if len(values) == 1 and isinstance(values[0], dict) else templating.spread(spread(plain(values)))


def plain(values): return [v['value'] if isinstance(v, dict) else v for v in values]
def mean(values): return spread(plain(values))['mean']


def on_screen(rows):
    "What fits 80 columns."
    kept = [HEADER.index(h) for h in SHORT]
    short = [HEADER[i].replace(', ', ',\n').replace(' ', '\n', 1) for i in kept]
    return short, [[broken(c[i]) for i in kept] for c in map(cells, rows)]
