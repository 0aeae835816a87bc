"The table of settings and their repetitions: a row for each setting, as text, CSV, LaTeX and Markdown."
import pandas as pd

from ...csv_files import csv_text
from ...evaluation.metrics import METRICS
from ...writing import write
from ..labels import number, p_value
from ..templating import sentences, spread
from .tabular import latex, markdown

HIDDEN = '\u2013'  # where a number is left unsaid


def difference(d):
    "Like `+0.012 [-0.01, +0.03]`; why there is none stands in the notes."
    return HIDDEN if d is None else number(d, sign='+') if d['value'] is not None else 'not defined'


def broken(text):
    "A number of a table in lines, for a narrow screen."
    return text.replace(' [', '\n[').replace(' \u00b1', '\n\u00b1').replace(' networks', '\nnetworks')


def corrected(d): return HIDDEN if d is None else p_value(d.get('holm'))


def amount(values):
    "A mean to three digits: like `0.43`, `12.1`, `1,234`."
    v = values['mean']
    return 'not stated' if v is None else f'{v:,.0f}' if v >= 100 else f'{v:.1f}' if v >= 10 else f'{v:.2f}'


def auroc(block): return HIDDEN if block is None else spread(block['metrics']['auroc'])


def split_of(found): return 'test' if found['revealed'] else 'valid'


def timed(found): return any(r['minutes']['mean'] is not None for r in found['rows'])


def table(found):
    """Header and rows, all text: AUROC of valid and of test, as far as it is shown, the difference from the first row on one of them, how
    far test is below valid where it is of several kinds, and how long training took, where any says it."""
    split, pace, kinds = split_of(found), timed(found), bool(found.get('kinds'))
    paired = competing(found) or not kinds
    header = ('', 'AUROC on valid', *(f'difference on {split}', 'p (Holm)')*paired, 'AUROC on test', *('test less valid',)*kinds,
              *('minutes', 'images/s')*pace)
    def name(r): return r['setting'] + (' (chosen)' if r['chosen'] and len(found['rows']) > 1 else '')
    def of(r): return difference(r[f'{split}_difference']), corrected(r[f'{split}_difference'])
    rows = [(name(r), auroc(r['valid']), *of(r)*paired, auroc(r['test']), *(difference(r.get('lost')),)*kinds,
             *(amount(r['minutes']), amount(r['images_per_second']))*pace) for r in found['rows']]
    return header, rows


def competing(found):
    "Whether there is a choice: more rows than kinds of test."
    return len(found['rows']) > max(1, len(found.get('kinds', ())))


def on_screen(found):
    "`table`, so that it fits 80 columns."
    header, rows = table(found)
    short = [h.replace(' on ', '\non ').replace(' (', '\n(').replace('utes', '').replace('/', '\n/') for h in header]
    return short, [[name, *(c.replace(' [', '\n[').replace('not ', 'not\n') for c in row)] for name, *row in rows]


def between(numbers): return f'{min(numbers):,}' if min(numbers) == max(numbers) else f'{min(numbers):,} to {max(numbers):,}'
def meaning(found): return sentences('words/settings', found=found, between=between, competing=competing(found))
def trouble(found): return sentences('words/trouble', found=found, split=split_of(found))


def notes(found):
    "What the table does not say by itself, a sentence each: what its numbers are, and what is amiss."
    return meaning(found) + trouble(found)


def words(found): return sentences('words/sweep', found=found, competing=competing(found)) + sentences('words/shift', found=found)


def frame(found):
    "A row for each setting, split and metric: the whole of it, in numbers."
    rows = []
    for r in found['rows']:
        for split in ('valid', 'test'):
            if r[split] is None: continue
            for m in METRICS:
                values, d = r[split]['metrics'][m], (r[f'{split}_difference'] or {}) if m == 'auroc' else {}
                lost = (r.get('lost') or {}) if (split, m) == ('test', 'auroc') else {}
                rows.append(dict(setting=r['setting'], chosen=r['chosen'], data=found['data'], synthetic=found['synthetic'], split=split,
                                 metric=m, repetitions=len(r['repetitions']), planned=r['planned'], mean=values['mean'], sd=values['sd'],
                                 low=values.get('low'), high=values.get('high'),
                                 **{f'difference_{k}': d.get(k) for k in ('value', 'low', 'high', 'p', 'holm')},
                                 **{f'less_valid_{k}': lost.get(k) for k in ('value', 'low', 'high')},
                                 n=max(r[split]['n'], default=0), patients=max(r[split]['patients'], default=0),
                                 minutes=r['minutes']['mean'], images_per_second=r['images_per_second']['mean'], reason=d.get('reason')))
    return pd.DataFrame(rows)


def save(found, csv, tex, md):
    "The whole of it as a CSV file, and the table as a LaTeX and as a Markdown one."
    header, rows = table(found)
    write(csv, csv_text(frame(found)))
    write(tex, latex(header, [rows], notes(found)))
    write(md, markdown(header, [rows], notes(found)))
