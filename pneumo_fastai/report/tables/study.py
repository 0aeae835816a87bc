"A study as Markdown and on the screen: a table for each data set, size and number of epochs, and one of evaluations elsewhere."
from pathlib import Path

from ...evaluation.settings import Settings
from .. import marked
from ..figures import style
from ..figures.study import auroc_minutes, label, timed
from ..labels import number
from ..templating import environment, sentences, spread
from . import elsewhere, named, recipes
from .settings import HIDDEN, amount, between, broken, corrected, difference
from .tabular import markdown

FIGURE = 'auroc_minutes.png'
NAMES = dict(valid='AUROC on valid', auroc='AUROC on test', average_precision='average precision', accuracy='accuracy',
             recall='sensitivity', specificity='specificity', f1='F1', ece='ECE', ece_calibrated='ECE after calibration',
             pointing='heatmaps: hottest point in a box', heat_auprc='heatmaps: AUPRC', minutes='minutes', images_per_second='images/s')
RANKED = 'valid', 'auroc'  # they stand before the interval and the difference
SHORT = '', 'seeds', *(NAMES[k] for k in RANKED), 'p (Holm)', 'minutes'  # on a screen, beside the difference


def of(found, choices=None, reference=named.REFERENCE) -> dict:
    "What a `runs.search.Found` comes to, differences from the experiment `reference`; plain JSON."
    ensembles = sum(named.networks(one.run) > 0 for one in found.runs)
    return dict(tables=recipes.tables(found.runs, choices or Settings(), reference), elsewhere=elsewhere.rows(found.elsewhere),
                runs=len(found.runs) - ensembles, ensembles=ensembles, unfinished=found.unfinished, left_out=found.left_out)


def title(t):
    held = '' if t['held_out'] == 'none' else f', tested on a kind held out: {t["held_out"]}'
    how = 'each experiment as it is shipped' if t['size'] is None else f'{t["size"]} px, {t["epochs"]} epochs'
    return f'{t["data"]}{" (synthetic data)" if t["synthetic"] else ""}, {how}{held}'


def table(t):
    "Header and rows, all text; differences where there is a reference, heatmaps and minutes where any row has them."
    less = (f'difference from {t["compared"]}', 'p (Holm)') if t['reference'] else ()
    rest = [k for k in NAMES if k not in RANKED and any(cell(r, k) != HIDDEN for r in t['rows'])]
    header = ('', 'seeds', *(NAMES[k] for k in RANKED), '95% interval', *less, *(NAMES[k] for k in rest))
    return header, [(r['name'], seeds(r), *(cell(r, k) for k in RANKED), ends(r), *gap(r, less), *(cell(r, k) for k in rest))
                    for r in t['rows']]


def seeds(r): return f'{r["networks"]} networks' if r['networks'] else str(len(r['repetitions']))
def gap(r, less): return (difference(r['difference']), corrected(r['difference'])) if less else ()


def cell(r, k):
    values = r['values'][k]
    if values['mean'] is None: return HIDDEN if k in (*recipes.HEAT, *recipes.PACE) or k in r['lacking'] else 'not defined'
    return amount(values) if k in recipes.PACE else spread(values)


def ends(r):
    mean = r['values']['auroc']['mean']
    return HIDDEN if mean is None else number(dict(r['ends'], value=mean)).partition(' ')[2]


def on_screen(t):
    "What of the table fits 80 columns: the ranking, the difference and the minutes."
    header, rows = table(t)
    kept = [i for i, h in enumerate(header) if h in SHORT or h.startswith('difference')]
    short = [header[i].replace(' on ', '\non ').replace(' from ', '\nfrom ').replace(' (', '\n(') for i in kept]
    return short, [[broken(row[i]) if i else row[i] for i in kept] for row in rows]


def by_hardware(t):
    "The names of the rows that were trained on each, in part or all of them."
    out = {}
    for r in t['rows']:
        for k in r['hardware']: out.setdefault(k, []).append(r['name'])
    return out


def notes(t):
    "What the table does not say by itself, a sentence each."
    single = [r['name'] for r in t['rows'] if len(r['repetitions']) == 1 and not r['networks']]
    return sentences('words/study', t=t, single=single, hardware=by_hardware(t), lost=lost(t), between=between, first=t['reference'],
                     top=None if t['chosen'] is None else t['rows'][t['chosen']])


def lost(t):
    "(row, what is not in the files, of which runs) each."
    for r in t['rows']:
        by_runs = {}
        for k, at in r['lacking'].items(): by_runs.setdefault(tuple(at), []).append(NAMES[k])
        for at, names in by_runs.items(): yield r['name'], names, at


def notes_elsewhere(rows):
    shares = dict.fromkeys((r['measured'], r['n'], r['prevalence']) for r in rows)
    return sentences('words/study_elsewhere', rows=rows, shares=list(shares), lacking=elsewhere.lacking(rows))


def head(found): return sentences('words/study_head', found=found, cohorts=twice(found))


def reading(found):
    "What holds for all tables of recipes."
    rules = {rule for t in found['tables'] for rule in t['rules']}
    rule = rules.pop() if len(rules) == 1 else ''
    return sentences('words/study_reading', reference=found['tables'][0]['compared'], rule=rule) if found['tables'] else []


def twice(found):
    "The names of data sets that hold other images in other tables."
    several = {t['data']: t['named'] for t in found['tables']}
    return [n for n in dict.fromkeys(several.values()) if list(several.values()).count(n) > 1]


def text(found, figure=None) -> str:
    "The Markdown; `figure`: the name of the file, None where there is none."
    parts = [(title(t), markdown(*table_of(t))) for t in found['tables']]
    if rows := found['elsewhere']:
        parts.append(('Elsewhere', markdown(elsewhere.HEADER, [map(elsewhere.cells, rows)], notes_elsewhere(rows))))
    untimed = [f'{label(r)}, on {t["data"]}' for t in found['tables'] for r in t['rows'] if not timed(r)]
    told = dict(head=head(found), reading=reading(found))
    return environment().get_template('study.md').render(parts=parts, figure=figure, untimed=untimed, **told)


def table_of(t):
    header, rows = table(t)
    return header, [rows], notes(t)


def save(found, page) -> list:
    "The page, and the figure beside it where any row has minutes; returns their paths."
    place, drawn = Path(page).resolve().parent/FIGURE, any(timed(r) for t in found['tables'] for r in t['rows'])
    place.parent.mkdir(parents=True, exist_ok=True)
    if drawn: style.save(auroc_minutes(found['tables']), place)
    return [marked.put(page, text(found, FIGURE if drawn else None)), *[place]*drawn]
