"Evaluations of runs on other images: a row each, from their saved files."
from ...grid import REPEATS, said
from ..labels import number
from .recipes import SAYS, TEST, at_size, name_of, networks, stated
from .settings import HIDDEN

HEADER = ('trained on', 'measured on', 'images', 'patients', 'AUROC, own test', 'AUROC there', 'accuracy', 'sensitivity', 'specificity',
          'ECE', 'ECE after calibration')
SHORT = 'trained on', 'measured on', 'AUROC, own test', 'AUROC there'
RATES = 'accuracy', 'recall', 'specificity'


def row(one):
    "Of a `runs.search.Finished`: facts, plain JSON; None for what its files do not say."
    run, there = one.run, {k: stated(one.metrics, *TEST, k) for k in ('auroc', *RATES)}
    seeds = '' if networks(run) else f', {said({k: run.recipe[k] for k in REPEATS if k == REPEATS[0] or run.recipe[k]}, ", ")}'
    kind = '' if run.recipe['held_out'] == 'none' else f', held_out {run.recipe["held_out"]}'  # which own test is of
    return dict(at=one.at, trained=f'{run.source}: {name_of(run)}, {at_size(run)}{kind}{seeds.replace("=", " ")}',
                measured=run.data['name'], synthetic=run.synthetic, n=len(run.predictions),
                patients=int(run.predictions['patient'].nunique()),
                prevalence=float(run.predictions['label'].mean()), own=stated(run.of['metrics'], *TEST, 'auroc'), **there,
                **{k: stated(one.metrics, *SAYS[k]) for k in ('ece', 'ece_calibrated')})


def rows(found):
    "By what they were measured on, then by what they were trained on."
    return sorted(map(row, found), key=lambda r: (r['measured'], -r['n'], r['trained'], r['at']))


def lacking(rows):
    "The places of those whose files do not say all of it."
    return [r['at'] for r in rows if None in r.values()]


def cells(r):
    def shown(m): return HIDDEN if m is None else number(m)
    def plain(v): return HIDDEN if v is None else f'{v:.3f}'
    return (r['trained'], r['measured'], f'{r["n"]:,}', f'{r["patients"]:,}', shown(r['own']), shown(r['auroc']),
            *(shown(r[k]) for k in RATES), plain(r['ece']), plain(r['ece_calibrated']))


def on_screen(rows):
    "What fits 80 columns."
    kept = [HEADER.index(h) for h in SHORT]
    short = [HEADER[i].replace(', ', ',\n').replace(' ', '\n', 1) for i in kept]
    return short, [[c[i].replace(' [', '\n[') for i in kept] for c in map(cells, rows)]
