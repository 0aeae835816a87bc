"Several runs side by side: a table of experiments by metrics, with paired differences from the first, as text, CSV, LaTeX, Markdown."
import pandas as pd

from ...csv_files import csv_text
from ...errors import InputError
from ...evaluation.comparison import chosen_threshold, compare
from ...evaluation.intervals.estimates import blocks
from ...evaluation.metrics import METRICS
from ...evaluation.repetitions import holm
from ...evaluation.results import in_order
from ...evaluation.settings import Settings
from ...runs.environment import pace
from ...writing import write
from ..labels import BRACKETS, NAMES, number, p_value
from .tabular import latex, markdown

THRESHOLDS = 'at_threshold', 'at_0.5'
ENDS = 'value', 'low', 'high'


def distinct(names):
    "The names, those that occur twice numbered."
    return [n if names.count(n) == 1 else f'{n} ({names[:i + 1].count(n)})' for i, n in enumerate(names)]


def side_by_side(
    runs,          # `folder.Run`s, two or more; the differences are from the first
    choices=None,  # a `Settings`
):
    """A mapping for each run: run, data, synthetic, test (by `THRESHOLDS`, as `blocks` gives them), difference (likewise) and delong, or
    None for both and in `reason` why: the first run, or other test images."""
    choices, out = choices or Settings(), []
    for name, run in zip(distinct([r.folder.resolve().name for r in runs]), runs, strict=True):
        test = in_order(run.predictions).query('split == "test"')  # as `evaluate` has them, so that the intervals are the same
        at = dict(zip(THRESHOLDS, (chosen_threshold(run.predictions, choices), .5), strict=True))
        found = dict(run=name, data=run.data['name'], synthetic=run.synthetic, difference=None, delong=None, reason=None, doubts=run.doubts,
                     pace=pace(run.environment), test=blocks(test, at, choices.n_boot, choices.seed, choices.prevalence))
        if run is not runs[0]:
            try: found |= {k: v for k, v in compare(run.predictions, runs[0].predictions, choices).items() if k in ('difference', 'delong')}
            except InputError as e: found['reason'] = str(e)
        out.append(found)
    return out


def letter(i): return chr(ord('A') + i) if i < 26 else f'run {i + 1}'


def table(side):
    "Header of letters, rows of numbers and of differences, all text; each metric at the threshold each run chose on its own valid."
    test = [s['test']['at_threshold'] for s in side]
    header = ('', *(letter(i) for i in range(len(side))))
    rows = [('data', *(s['data'] + (' (synthetic)' if s['synthetic'] else '') for s in side)),
            ('test images, patients', *(f'{t["n"]:,}, {t["patients"]:,}' for t in test)),
            ('with pneumonia', *(f'{t["prevalence"]:.1%}' for t in test)), ('threshold', *(f'{t["threshold"]:.4f}' for t in test)),
            *((NAMES[m], *(number(t[m]) for t in test)) for m in METRICS)]
    def differs(m):
        found = (s['difference'] and s['difference']['at_threshold'][m] for s in side)
        return (f'{NAMES[m]}, difference', *(number(d, sign='+') if d else '' for d in found))
    paired = [s for s in side if s['difference']]
    delong = ('DeLong p (AUROC)', *('' if s['delong'] is None else p_value(s['delong']['p']) for s in side))
    corrected = holm([s['delong'] and s['delong']['p'] for s in side])
    many = [("the same by Holm's correction", *('' if p is None else p_value(p) for p in corrected))]
    return header, rows + paces(side), [*map(differs, METRICS), delong, *many*(len(paired) > 1)] if paired else []


def paces(side):
    "The rows of how long training took, where any run says it."
    minutes, rates = zip(*(s['pace'] for s in side), strict=True)
    if all(v is None for v in minutes): return []
    return [('minutes of training', *('' if v is None else f'{v:.1f}' for v in minutes)),
            ('images/s in training steps', *('' if v is None else f'{v:,.0f}' for v in rates))]


def left_out(s):
    "The most resamples that the interval of a difference in the table lacks."
    return max((d['left_out'] for m in METRICS if (d := (s['difference'] or {}).get('at_threshold', {}).get(m))), default=0)


def notes(side):
    "What the table does not say by itself, a line each."
    yield '; '.join(f'{letter(i)}: {s["run"]}' for i, s in enumerate(side)) + '.'
    yield BRACKETS
    if any(s['difference'] for s in side): yield 'Differences are from A, by resampling patients for both runs alike.'
    if any(s['delong'] for s in side): yield "DeLong's p allows for several images of a patient (Obuchowski 1997)."
    for i, s in enumerate(side):
        if s['reason']: yield f'{letter(i)}: no difference from A, {s["reason"]}.'
        if left := left_out(s): yield f'{letter(i)}: up to {left} resamples are left out of a difference, which is undefined in them.'
        yield from (f'{letter(i)}: {doubt}' for doubt in s['doubts'])
        if s['delong'] and 'reason' in s['delong']: yield f'{letter(i)}: DeLong\'s p is {s["delong"]["reason"]}.'
    if any(s['synthetic'] for s in side): yield 'Synthetic data say that the pipeline works, and nothing about patients.'


def frame(side):
    "A row for each run, threshold and metric: the whole of it, in numbers."
    rows = []
    for s in side:
        for at in THRESHOLDS:
            t = s['test'][at]
            for m in METRICS:
                d = s['difference'][at][m] if s['difference'] else dict.fromkeys(ENDS)
                p = s['delong']['p'] if s['delong'] and m == 'auroc' else None
                rows.append(dict(run=s['run'], data=s['data'], synthetic=s['synthetic'], n=t['n'], patients=t['patients'],
                                 prevalence=t['prevalence'], at=at, threshold=t['threshold'], metric=m,
                                 **{k: t[m][k] for k in ENDS}, **{f'difference_{k}': d[k] for k in ENDS},
                                 delong_p=p, reason=t[m].get('reason') or d.get('reason') or s['reason']))
    return pd.DataFrame(rows)


def save(side, csv, tex, md):
    "The whole of it as a CSV file, and the table as a LaTeX and as a Markdown one."
    header, *blocks = table(side)
    write(csv, csv_text(frame(side)))
    write(tex, latex(header, blocks, list(notes(side))))
    write(md, markdown(header, blocks, list(notes(side))))
