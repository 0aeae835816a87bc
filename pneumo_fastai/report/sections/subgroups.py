"The parts of the report on whom and on what the model may fail: subgroups, shortcuts, the worst errors."
from pathlib import PurePath

import pandas as pd
from markupsafe import Markup

from ...runs.files import read_json
from ...runs.tables import worst
from ..figures.diagnostics import ATTRIBUTES
from ..html import tag
from ..registry import section
from ..templating import cell
from ..words import beside_view


@section('subgroups', 'Subgroups', 80)
def subgroups(page, run, metrics):
    "(name, what it is, rows) of each division, and the groups of the lowest and of the highest AUROC that are not small."
    by = {ATTRIBUTES.get(k, k): block for k, block in metrics['subgroups'].get('by', {}).items()}
    told = [(k, g) for k, block in by.items() for g in block['groups'] if not g['small'] and g['auroc']['value'] is not None]
    ends = [pick(told, key=lambda item: item[1]['auroc']['value']) for pick in (min, max) if told]
    return dict(tables=[(k, block['about'], [row(g) for g in block['groups']]) for k, block in by.items()], ends=ends,
                unsaid=[ATTRIBUTES.get(k, k) for k in metrics['subgroups'].get('left_out', ())])


def row(group):
    name = Markup('{} <span class="small">small group</span>').format(group['group']) if group['small'] else group['group']
    return name, group['n'], group['positives'], *(cell(group[m]) for m in ('auroc', 'recall', 'specificity'))


def measured_shortcuts(folder):
    "AUROC by what was looked at, of each shortcut that an audit measured, where audit.json lies in the folder."
    found = read_json(folder/'audit.json').get('shortcut') if (folder/'audit.json').is_file() else None
    named = found.items() if isinstance(found, dict) else ()
    def stated(m): return dict(m, reason=f'not defined, because {m["reason"]}') if m['value'] is None else m
    return {name.replace('_', ' '): stated(m) for name, m in named if isinstance(m, dict) and {'value', 'low', 'high'} <= set(m)}


@section('shortcut', 'Shortcuts', 90)
def shortcut(page, run, metrics):
    view, by = metrics['baseline'].get('view'), metrics['subgroups'].get('by', {}).get('view') or dict(groups=[], within=None)
    def within(g): return f'the model, within {g["group"]} only (n = {g["n"]}{", small group" if g["small"] else ""})'
    rows = [('the model, all test images', metrics['test']['at_threshold']['auroc']),
            ('the view position alone, without the image', view and view['auroc']), *((within(g), g['auroc']) for g in by['groups']),
            ('the model, only pairs of images of one view', by['within'])]
    return dict(rows=[(name, cell(m)) for name, m in rows if m], beside=beside_view(view, by['within']) if view else '',
                audit=[(name, cell(m)) for name, m in measured_shortcuts(run.folder).items()])


@section('errors', 'Worst errors', 110)
def errors(page, run, metrics):
    def known(value, form='{}'): return '\u2013' if pd.isna(value) else form.format(value)
    rows = [(tag('code', PurePath(r.path).name), 'pneumonia' if r.label else 'no pneumonia', f'{r.probability:.3f}', known(r.view),
             known(r.age, '{:.0f}'), known(r.sex), known(r.detail)) for r in worst(run.predictions, run.cohort).itertuples()]
    return dict(rows=rows)
