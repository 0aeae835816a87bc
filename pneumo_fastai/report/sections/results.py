"The sections on results and operating points."
from ...evaluation.metrics import EVERY
from .. import words
from ..html import noted
from ..labels import MEANING, NAMES
from ..registry import CHOSEN, MEASURED, section
from ..templating import cell

RULES = dict(youden='Youden', sensitivity='fixed sensitivity', specificity='fixed specificity', cost='least expected cost')


def names(): return [noted(NAMES[m], MEANING.get(m)) for m in EVERY]


@section('results', 'Results', 40, on=CHOSEN)
def results(page, run, metrics):
    test, balanced = metrics['test'], metrics['balanced']
    columns = {'valid at threshold': metrics['valid'], 'test at threshold': test['at_threshold'], 'test at 0.5': test['at_0.5']}
    if 'at_threshold' in balanced: columns['test at threshold, at 50% prevalence'] = balanced['at_threshold']
    rows = [(name, *(cell(block[m]) for block in columns.values())) for name, m in zip(names(), EVERY, strict=True)]
    return dict(header=['', *columns], rows=rows, said=words.in_words(metrics), words=words,
                text=words.as_text(run, metrics))


@section('operating', 'Operating points', 50, on=MEASURED)
def operating(page, run, metrics):
    points = metrics['operating_points']
    there = [(RULES[o['rule']], *(cell(o['test']['at_prevalence'][k]) for k in ('precision', 'npv')))
             for o in points if 'at_prevalence' in o.get('test', {})]
    fixed = next((o for o in points if o['rule'] == 'sensitivity'), None)
    return dict(fixed=fixed, rows=[row for point in points for row in lines(point)], there=there)


def lines(point):
    "The rows of an operating point: on valid and on test, or why there is none."
    name = noted(RULES[point['rule']], point['words'])
    if 'reason' in point: return [(name, cell(dict(value=None, **point)), *(cell(None),)*5)]
    return [(name if split == 'valid' else '', f'{point["threshold"]:.4f}' if split == 'valid' else '', split,
             *(cell(point[split][k]) for k in ('recall', 'specificity', 'precision', 'npv'))) for split in ('valid', 'test')]
