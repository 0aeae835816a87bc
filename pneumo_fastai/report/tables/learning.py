"The learning curves of a sweep over `fraction`: one for each setting of its other fields, as numbers, sentences and a table."
from ...evaluation.learning_curve import learning_curve
from ...grid import REPEATS, said
from ..labels import number
from ..templating import sentences, spread
from .settings import HIDDEN

FIELD = 'fraction'


def curves(sweep, choices, reveal=False):
    "setting (of the other fields), valid and test (None unless revealed) as `learning_curve` gives them, each; of a sweep over fraction."
    if FIELD not in sweep.grid.axes: return []
    settings = {}
    for m in sweep.grid.members:
        if m.name not in sweep.runs: continue
        run, again = sweep.runs[m.name], said({k: v for k, v in m.values.items() if k in REPEATS}, ', ')
        name = said({k: v for k, v in m.values.items() if k not in (FIELD, *REPEATS)}, ', ')
        share = settings.setdefault(name, {}).setdefault(m.values[FIELD], dict(patients=[], tables={}))
        share['patients'].append(int(run.trained_on['patient'].nunique()))
        share['tables'][again] = run.predictions
    return [dict(setting=name, valid=learning_curve(shares, 'valid', choices),
                 test=learning_curve(shares, 'test', choices) if reveal else None) for name, shares in settings.items()]


def each(found):
    "(setting, curve) of every curve that is shown, valid before test."
    return [(c['setting'], c[split]) for c in found.get('curves', ()) for split in ('valid', 'test') if c[split]]


def title(setting, curve): return f'{setting}{", " if setting else ""}{dict(valid="valid", test="test (revealed)")[curve["split"]]}'


def words(found):
    "What the curves say, a paragraph each."
    return [line for setting, c in each(found) for line in sentences('words/learning', setting=setting, c=c, top=c['points'][-1])]


def table(found):
    "Header and rows: what was measured with each share, what was forecast for it from the smaller ones, and what more would bring."
    header = ('', 'patients', 'AUROC', '95% interval', 'forecast from smaller shares', 'off by')
    return header, [row for setting, c in each(found) for row in rows(title(setting, c), c)]


def rows(name, c):
    checks = {k['share']: k for k in c['checks']}
    for i, p in enumerate(c['points']):
        k = checks.get(i, dict(value=None))
        off = HIDDEN if k['value'] is None else f'{k["error"]:+.3f}{"" if k["inside"] else ", outside"}'
        ends = HIDDEN if p['low'] is None else f'{p["low"]:.2f} to {p["high"]:.2f}'
        yield f'{name}: share {p["fraction"]:g}', f'{p["patients"]:,.0f}', spread(p), ends, HIDDEN if k['value'] is None else number(k), off
    for f in c['forecasts']: yield f'{name}: {f["times"]} times as many', f'{f["patients"]:,.0f}', HIDDEN, HIDDEN, number(f), HIDDEN
