"The parts of the report on whom and on what the model may fail: subgroups, shortcuts, the worst errors."
from pathlib import PurePath

import pandas as pd

from ..runs.files import read_json
from ..runs.tables import worst
from .figures.diagnostics import ATTRIBUTES
from .html import cell, join, p, tag
from .labels import FIGURES

ERRORS = 'top_losses.html'


def subgroups(page, run, metrics, which='Test images, at the threshold chosen on valid.'):
    found = metrics['subgroups']
    if 'reason' in found: return page.section('subgroups', 'Subgroups', p(found['reason']))
    tables = []
    for name, block in found['by'].items():
        rows = [(join([g['group'], ' ', tag('span', 'small group', class_='small') if g['small'] else '']), g['n'], g['positives'],
                 cell(g['auroc']), cell(g['recall']), cell(g['specificity'])) for g in block['groups']]
        header = (ATTRIBUTES.get(name, name), 'images', 'with pneumonia', 'AUROC', 'sensitivity', 'specificity')
        tables += [tag('h3', ATTRIBUTES.get(name, name).capitalize()), page.table(header, rows, block['about'])]
    left = f' The data state nothing of: {"; ".join(ATTRIBUTES.get(k, k) for k in found["left_out"])}.' if found['left_out'] else ''
    words = (f'{which} A group with fewer than {found["small_below"]} images of a class is marked '
             'as small: its numbers are mostly chance. With this many groups, some differ by chance alone.' + left)
    figure = page.figure(run.folder/'subgroups.png', FIGURES['subgroups.png']) if found['by'] else ''
    return page.section('subgroups', 'Subgroups', p(words), figure, *tables)


def audited(folder):
    "(what was looked at, AUROC) of each shortcut that an audit measured, where audit.json lies in the folder."
    found = read_json(folder/'audit.json').get('shortcut') if (folder/'audit.json').is_file() else None
    named = found.items() if isinstance(found, dict) else ()
    def stated(m): return dict(m, reason=f'not defined, because {m["reason"]}') if m['value'] is None else m
    return [(name.replace('_', ' '), cell(stated(m))) for name, m in named if isinstance(m, dict) and {'value', 'low', 'high'} <= set(m)]


def shortcut(page, run, metrics, caption=''):
    auroc, view = metrics['test']['at_threshold']['auroc'], metrics['baseline'].get('view')
    by = metrics['subgroups'].get('by', {}).get('view')
    rows = [('the model, all test images', cell(auroc))]
    if view: rows.append(('the view position alone, without the image', cell(view['auroc'])))
    if by: rows += [(f'the model, within {g["group"]} only (n = {g["n"]}{", small group" if g["small"] else ""})', cell(g['auroc']))
                    for g in by['groups']]
    if by and by['within']: rows.append(('the model, only pairs of images of one view', cell(by['within'])))
    words = ('Sicker people are more often imaged in bed, with the beam from front to back (AP). A model may tell the view, not the lung. '
             'What the view alone would score is no merit of the model; compared within one view, the view cannot help.' if view else
             'The data do not state the view position, so it cannot be told how much of the result the view alone explains.')
    audit = audited(run.folder)
    more = [tag('h3', 'What the audit of the data found'), page.table(('without the image, from', 'AUROC'), audit)] if audit else []
    return page.section('shortcut', 'Shortcuts', p(words), page.table(('', 'AUROC'), rows, caption), *more)


def errors(page, run):
    def known(value, form='{}'): return '\u2013' if pd.isna(value) else form.format(value)
    rows = [(tag('code', PurePath(r.path).name), 'pneumonia' if r.label else 'no pneumonia', f'{r.probability:.3f}', known(r.view),
             known(r.age, '{:.0f}'), known(r.sex), known(r.detail)) for r in worst(run.predictions, run.cohort).itertuples()]
    table = page.table(('file', 'label', 'probability of pneumonia', 'view', 'age', 'sex', 'class'), rows,
                       f'The {len(rows)} test images with the least probability of their label.')
    figure = page.figure(run.folder/'top_losses.png', FIGURES['top_losses.png'] + ' These are of valid.')
    more = p('More of them, each with its heatmap: ', tag('code', ERRORS), ' in the folder of the run.')
    return page.section('errors', 'Worst errors', figure, table, more if (run.folder/ERRORS).is_file() else '')
