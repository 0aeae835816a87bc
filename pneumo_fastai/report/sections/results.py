"The sections on results and operating points."
from markupsafe import Markup

from ...evaluation.metrics import EVERY
from ..html import bullets, cell, join, p, tag
from ..labels import BRACKETS, FIGURES, MEANING, NAMES, number
from ..registry import RUN, Parts, section
from ..words import as_text, in_words, set_in_words, threshold_in_words

RULES = dict(youden='Youden', sensitivity='fixed sensitivity', specificity='fixed specificity', cost='least expected cost')


@section('results', 'Results', 40, on=RUN)
def results(page, run, metrics):
    test, balanced = metrics['test'], metrics['balanced']
    header = ['', 'valid at threshold', 'test at threshold', 'test at 0.5']
    blocks = [metrics['valid'], test['at_threshold'], test['at_0.5']]
    if 'at_threshold' in balanced: header, blocks = [*header, 'test at threshold, at 50% prevalence'], [*blocks, balanced['at_threshold']]
    names = [join([NAMES.get(m, m), tag('small', MEANING[m]) if m in MEANING else '']) for m in EVERY]
    rows = [(name, *(cell(b[m]) for b in blocks)) for name, m in zip(names, EVERY, strict=True)]
    how = balanced.get('how') or balanced['reason']
    words = [set_in_words('Valid', metrics['valid']), set_in_words('Test', test),
             f'Test at 50% prevalence, for comparison with tables on balanced sets: {how}',
             f'Threshold {threshold_in_words(metrics)}; an image at or above it is called pneumonia']
    roc, *others = (page.figure(run.folder/f, FIGURES[f]) for f in ('roc.png', 'precision_recall.png', 'confusion_matrix.png'))
    finding, *more = in_words(metrics)
    table = page.table(header, rows, f'{BRACKETS} The numbers of valid are optimistic, its AUROC too: epoch and threshold were chosen '
                       'there.', class_='results')
    return Parts(finding, roc, bullets([*more, *words]), (('All metrics', table), ('Precision and recall, confusion matrix', join(others)),
                         ('The same as plain text', join([page.mark(), tag('pre', as_text(run, metrics))]))))


@section('operating', 'Operating points', 50, on=RUN)
def operating(page, run, metrics):
    points, header = metrics['operating_points'], ['rule, chosen on valid', 'threshold', 'set', 'sensitivity', 'specificity', 'PPV', 'NPV']
    rows = []
    for point in points:
        name = join([RULES.get(point['rule'], point['rule']), tag('small', point['words'])])
        if 'reason' in point: rows.append((name, cell(dict(value=None, **point)), *(Markup('&ndash;'),)*5))
        else: rows += [(name if split == 'valid' else '', f'{point["threshold"]:.4f}' if split == 'valid' else '', split,
                        *(cell(point[split][k]) for k in ('recall', 'specificity', 'precision', 'npv'))) for split in ('valid', 'test')]
    there = [(RULES[o['rule']], *(cell(o['test']['at_prevalence'][k]) for k in ('precision', 'npv')))
             for o in points if 'at_prevalence' in o.get('test', {})]
    stated = metrics['choices']['prevalence']
    elsewhere = page.table(('rule', 'PPV', 'NPV'), there, f'On test, were {stated:.1%} of the images pneumonia.') if there else ''
    words = 'PPV and NPV hold at the prevalence of the set.'
    if not there: words += ' To see them where pneumonia is rarer: python -m pneumo_fastai.evaluate RUN --prevalence 0.05'
    why = ('A threshold is a choice between missing pneumonia and raising false alarms. Each is chosen on valid by a rule stated '
           'beforehand, and then applied to test.')
    return Parts(reached(points), content=p(why), folded=(('Every operating point, on valid and on test',
                                                           join([page.table(header, rows, words), elsewhere])),))


def reached(points):
    "What the threshold of fixed sensitivity comes to on test, in a sentence."
    point = next((o for o in points if o['rule'] == 'sensitivity'), None)
    if point is None or 'reason' in point: return 'No threshold of fixed sensitivity can be chosen on valid.'
    return (f'The threshold with {point["words"]} reaches a sensitivity of {number(point["test"]["recall"])} and a specificity of '
            f'{number(point["test"]["specificity"])} on test.')
