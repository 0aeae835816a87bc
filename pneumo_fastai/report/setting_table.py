"The table of settings and their repetitions: a row for each setting, as text, CSV, LaTeX and Markdown."
import pandas as pd

from ..csv_files import csv_text
from ..evaluation.metrics import METRICS
from ..writing import write
from .labels import number
from .repetitions import mean_sd
from .tabular import latex, markdown

HIDDEN = '\u2013'  # where a number is left unsaid


def difference(d):
    "Like `+0.012 [-0.01, +0.03]`; why there is none stands in the notes."
    return HIDDEN if d is None else number(d, sign='+') if d['value'] is not None else 'not defined'


def p_value(d):
    if d is None: return HIDDEN
    p = d.get('holm')
    return 'not defined' if p is None else '< 0.001' if p < .001 else f'{p:.3f}'


def amount(values):
    "A mean to three digits: like `0.43`, `12.1`, `1,234`."
    v = values['mean']
    return 'not stated' if v is None else f'{v:,.0f}' if v >= 100 else f'{v:.1f}' if v >= 10 else f'{v:.2f}'


def auroc(block): return HIDDEN if block is None else mean_sd(block['metrics']['auroc'])


def split_of(found): return 'test' if found['revealed'] else 'valid'


def table(found):
    "Header and rows, all text: AUROC of valid and of test, as far as it is shown, and the difference from the first row on one of them."
    split = split_of(found)
    header = ('', 'AUROC on valid', f'difference on {split}', 'p (Holm)', 'AUROC on test', 'minutes', 'images/s')
    rows = [(r['setting'] + (' (chosen)' if r['chosen'] else ''), auroc(r['valid']), difference(r[f'{split}_difference']),
             p_value(r[f'{split}_difference']), auroc(r['test']), amount(r['minutes']), amount(r['images_per_second']))
            for r in found['rows']]
    return header, rows


def notes(found):
    "What the table does not say by itself, a sentence each."
    yield (f'{found["title"]}{" (synthetic data)" if found["synthetic"] else ""}: mean \u00b1 standard deviation over '
           f'{counted([len(r["repetitions"]) for r in found["rows"]])} trainings a row, which differ in seed or split_seed alone.')
    yield from (about(found, split) for split in ('valid', 'test') if any(r[split] and r[split]['n'] for r in found['rows']))
    if found['chosen'] is not None:
        yield ('The row with the highest mean AUROC on valid is chosen. Epoch and threshold were chosen there too, so its numbers are '
               'optimistic, the more so the more rows there are.')
    if not found['revealed']: yield 'Test is shown for the chosen row alone: who looks at it for all chooses on it. --reveal shows it.'
    if any(r['valid_difference'] for r in found['rows']):
        yield ('Difference: of the mean AUROC from the first row, in brackets 95%, by drawing patients, for all repetitions alike; p: of '
               "no difference, two-sided (Obuchowski 1997), by Holm's correction for all rows. Both are about the choice of patients; what "
               'another seed would change, the standard deviation says.')
    yield from reasons(found)
    if any(r['minutes']['mean'] is not None for r in found['rows']):
        yield 'Minutes: of training, validation after each epoch included; images/s: of the training steps alone.'
    if found['synthetic']: yield 'Synthetic data say that the pipeline works, and nothing about patients.'


def counted(numbers): return f'{min(numbers)}' if min(numbers) == max(numbers) else f'{min(numbers)} to {max(numbers)}'


def about(found, split):
    "How many images and patients."
    n, patients = ([v for r in found['rows'] if r[split] for v in r[split][k]] for k in ('n', 'patients'))
    return f'{split.capitalize()}: n = {counted(n)} images of {counted(patients)} patients.'


def reasons(found):
    "Why a row has no difference or no p, and which members are missing."
    for r in found['rows']:
        d = r[f'{split_of(found)}_difference']
        if d and d.get('reason'): yield f'{r["setting"]}: {d["reason"]}.'
        if len(r['repetitions']) < r['planned']: yield f'{r["setting"]}: {len(r["repetitions"])} of {r["planned"]} repetitions are finished.'
        yield from (f'{name} failed: {reason}.' for name, reason in r['failed'].items())
    if found['waiting']: yield f'Not trained yet: {len(found["waiting"])} of {found["members"]}; the same fit command goes on.'
    yield from found['warnings']


def frame(found):
    "A row for each setting, split and metric: the whole of it, in numbers."
    rows = []
    for r in found['rows']:
        for split in ('valid', 'test'):
            if r[split] is None: continue
            for m in METRICS:
                values, d = r[split]['metrics'][m], (r[f'{split}_difference'] or {}) if m == 'auroc' else {}
                rows.append(dict(setting=r['setting'], chosen=r['chosen'], data=found['data'], synthetic=found['synthetic'], split=split,
                                 metric=m, repetitions=len(r['repetitions']), planned=r['planned'], mean=values['mean'], sd=values['sd'],
                                 low=values.get('low'), high=values.get('high'),
                                 **{f'difference_{k}': d.get(k) for k in ('value', 'low', 'high', 'p', 'holm')},
                                 n=max(r[split]['n'], default=0), patients=max(r[split]['patients'], default=0),
                                 minutes=r['minutes']['mean'], images_per_second=r['images_per_second']['mean'], reason=d.get('reason')))
    return pd.DataFrame(rows)


def save(found, csv, tex, md):
    "The whole of it as a CSV file, and the table as a LaTeX and as a Markdown one."
    header, rows = table(found)
    write(csv, csv_text(frame(found)))
    write(tex, latex(header, [rows], list(notes(found))))
    write(md, markdown(header, [rows], list(notes(found))))
