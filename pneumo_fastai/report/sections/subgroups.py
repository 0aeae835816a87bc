"The parts of the report on whom and on what the model may fail: subgroups, shortcuts, the worst errors."
from pathlib import PurePath

import pandas as pd

from ...runs.files import read_json
from ...runs.tables import worst
from ..figures.diagnostics import ATTRIBUTES
from ..html import cell, join, p, tag
from ..labels import FIGURES, number
from ..registry import Parts, section
from ..words import beside_view

ERRORS = 'top_losses.html'


OWN = {True: 'The test images of all folds, each at the threshold of its own fold.',
       False: 'Test images, at the threshold chosen on valid.'}


@section('subgroups', 'Subgroups', 80)
def subgroups(page, run, metrics):
    found = metrics['subgroups']
    if 'reason' in found: return Parts(f'Subgroups are {found["reason"]}.')
    tables = []
    for name, block in found['by'].items():
        rows = [(join([g['group'], ' ', tag('span', 'small group', class_='small') if g['small'] else '']), g['n'], g['positives'],
                 cell(g['auroc']), cell(g['recall']), cell(g['specificity'])) for g in block['groups']]
        header = (ATTRIBUTES.get(name, name), 'images', 'with pneumonia', 'AUROC', 'sensitivity', 'specificity')
        tables += [tag('h3', ATTRIBUTES.get(name, name).capitalize()), page.table(header, rows, block['about'])]
    left = f' The data state nothing of: {"; ".join(ATTRIBUTES.get(k, k) for k in found["left_out"])}.' if found['left_out'] else ''
    words = (f'{OWN[bool(run.folds)]} A group with fewer than {found["small_below"]} images of a class is marked '
             'as small: its numbers are mostly chance. With this many groups, some differ by chance alone.' + left)
    figure = page.figure(run.folder/'subgroups.png', FIGURES['subgroups.png']) if found['by'] else ''
    return Parts(extremes(found), figure, p(words), (('Every subgroup', join(tables)),))


def extremes(found):
    "The lowest and the highest AUROC of a subgroup that is not small, in a sentence."
    groups = [(ATTRIBUTES.get(k, k), g) for k, block in found['by'].items() for g in block['groups']
              if not g['small'] and g['auroc']['value'] is not None]
    if not groups: return 'Every subgroup is small: none of their numbers says more than chance.'
    low, high = (pick(groups, key=lambda item: item[1]['auroc']['value']) for pick in (min, max))
    def said(item): return f'{number(item[1]["auroc"])} ({item[0]}: {item[1]["group"]}, n = {item[1]["n"]})'
    return f'Over the subgroups that are not small, AUROC runs from {said(low)} to {said(high)}.'


def measured_shortcuts(folder):
    "AUROC by what was looked at, of each shortcut that an audit measured, where audit.json lies in the folder."
    found = read_json(folder/'audit.json').get('shortcut') if (folder/'audit.json').is_file() else None
    named = found.items() if isinstance(found, dict) else ()
    def stated(m): return dict(m, reason=f'not defined, because {m["reason"]}') if m['value'] is None else m
    return {name.replace('_', ' '): stated(m) for name, m in named if isinstance(m, dict) and {'value', 'low', 'high'} <= set(m)}


@section('shortcut', 'Shortcuts', 90)
def shortcut(page, run, metrics):
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
    caption = 'That of the view alone is over pairs of images of one fold.' if view and run.folds else ''
    audit = [(name, cell(m)) for name, m in measured_shortcuts(run.folder).items()]
    more = page.table(('without the image, from', 'AUROC'), audit, 'What the audit of the data found.') if audit else ''
    finding = 'How much of the result the view position alone explains is not known.'
    if view: finding = beside_view(view, by and by['within'])
    return Parts(finding, content=join([p(words), page.table(('', 'AUROC'), rows, caption), more]))


@section('errors', 'Worst errors', 110)
def errors(page, run, metrics):
    def known(value, form='{}'): return '\u2013' if pd.isna(value) else form.format(value)
    rows = [(tag('code', PurePath(r.path).name), 'pneumonia' if r.label else 'no pneumonia', f'{r.probability:.3f}', known(r.view),
             known(r.age, '{:.0f}'), known(r.sex), known(r.detail)) for r in worst(run.predictions, run.cohort).itertuples()]
    table = page.table(('file', 'label', 'probability of pneumonia', 'view', 'age', 'sex', 'class'), rows,
                       f'The {len(rows)} test images with the least probability of their label.')
    figure = page.figure(run.folder/'top_losses.png', FIGURES['top_losses.png'] + ' These are of valid.')
    more = p('More of them, each with its heatmap: ', tag('code', ERRORS), ' in the folder of the run.')
    finding = 'The images with the least probability of their label: look for wrong labels, tubes and wires, text, odd positions.'
    return Parts(finding, figure, more if (run.folder/ERRORS).is_file() else '', ((f'The {len(rows)} worst errors of test', table),))
