"The parts of the report that hold numbers: results, operating points, calibration, uncertainty, subgroups, shortcuts, errors."
from . import opinions
from .calibration import METHODS
from .html import Safe, bullets, join, p, tag
from .metrics import EVERY, RANKS
from .report import BRACKETS, FIGURES, NAMES, _about, in_words, number, referral_in_words

MEANING = dict(
    accuracy='calls that are right', balanced_accuracy='mean of sensitivity and specificity',
    precision='PPV: of the images called pneumonia, those that are', recall='sensitivity: of the images with pneumonia, those found',
    specificity='of the images without, those called so', f1='harmonic mean of precision and recall',
    npv='of the images called no pneumonia, those that are', mcc='correlation of call and label, 0 is chance',
    auroc='how often an image with pneumonia gets the higher probability of a pair', average_precision='area under precision and recall',
    partial_auc='of the ROC up to 10% false alarms, scaled: 0.5 is chance')
MEANING |= dict.fromkeys((k for k in RANKS if '_at_' in k), 'its threshold was found on the images of the column, so it is optimistic')
RULES = dict(youden='Youden', sensitivity='fixed sensitivity', specificity='fixed specificity', cost='least expected cost')


def cell(metric, sign=''):
    "A metric with its interval; where it or its interval is not defined, why."
    if metric is None: return Safe('&ndash;')
    if metric['value'] is None: return tag('span', metric['reason'], class_='why')
    shown = number(metric, sign=sign)
    return join([shown, ' ', tag('span', metric['reason'], class_='why')]) if metric.get('reason') else shown


def plain(value): return tag('span', 'not defined', class_='why') if value is None else f'{value:z.3f}'


def results(page, run, metrics):
    test, balanced = metrics['test'], metrics['balanced']
    header = ['', 'valid at threshold', 'test at threshold', 'test at 0.5']
    blocks = [metrics['valid'], test['at_threshold'], test['at_0.5']]
    if 'at_threshold' in balanced: header, blocks = [*header, 'test at threshold, at 50% prevalence'], [*blocks, balanced['at_threshold']]
    names = [join([NAMES.get(m, m), tag('small', MEANING[m]) if m in MEANING else '']) for m in EVERY]
    rows = [(name, *(cell(b[m]) for b in blocks)) for name, m in zip(names, EVERY, strict=True)]
    how = balanced.get('how') or balanced['reason']
    words = [_about('Valid', metrics['valid']), _about('Test', test),
             f'Test at 50% prevalence, for comparison with tables on balanced sets: {how}',
             f'Threshold {metrics["threshold"]["value"]:.4f} ({metrics["threshold"]["rule"]}); an image at or above it is called pneumonia']
    figures = join([tag('div', *(page.figure(run.folder/f, FIGURES[f]) for f in ('roc.png', 'precision_recall.png')), class_='pair'),
                    page.figure(run.folder/'confusion_matrix.png', FIGURES['confusion_matrix.png'])])
    table = page.table(header, rows, f'{BRACKETS} The numbers of valid are optimistic, its AUROC too: epoch and threshold were chosen '
                       'there.', class_='results')
    return page.section('results', 'Results', bullets(in_words(metrics)), bullets(words), table, figures)


def operating(page, metrics):
    points, header = metrics['operating_points'], ['rule, chosen on valid', 'threshold', 'set', 'sensitivity', 'specificity', 'PPV', 'NPV']
    rows = []
    for point in points:
        name = join([RULES.get(point['rule'], point['rule']), tag('small', point['words'])])
        if 'reason' in point: rows.append((name, cell(dict(value=None, **point)), *(Safe('&ndash;'),)*5))
        else: rows += [(name if split == 'valid' else '', f'{point["threshold"]:.4f}' if split == 'valid' else '', split,
                        *(cell(point[split][k]) for k in ('recall', 'specificity', 'precision', 'npv'))) for split in ('valid', 'test')]
    there = [(RULES[o['rule']], *(cell(o['test']['at_prevalence'][k]) for k in ('precision', 'npv')))
             for o in points if 'at_prevalence' in o.get('test', {})]
    stated = metrics['choices']['prevalence']
    elsewhere = page.table(('rule', 'PPV', 'NPV'), there, f'On test, were {stated:.1%} of the images pneumonia.') if there else ''
    words = 'PPV and NPV hold at the prevalence of the set.'
    if not there: words += ' To see them where pneumonia is rarer: python -m pneumo_fastai.evaluate RUN --prevalence 0.05'
    return page.section('operating', 'Operating points', p('A threshold is a choice between missing pneumonia and raising false '
                        'alarms. Each is chosen on valid by a rule stated beforehand, and then applied to test.'),
                        page.table(header, rows, words), elsewhere)


MEASURES = dict(ece='expected calibration error, bins of equal width', ece_equal_mass='the same, bins of equal number',
                mce='largest error of a bin', brier='Brier score', reliability='Brier: reliability, the less the better',
                resolution='Brier: resolution, the more the better', uncertainty='Brier: uncertainty, of the data alone',
                within_bins='Brier: left within bins', log_loss='negative log-likelihood',
                slope='slope, perfect is 1; below it overconfident',
                intercept='intercept, perfect is 0',
                in_the_large='calibration in the large, perfect is 0; below it too high')


SIGNED = dict.fromkeys(('intercept', 'in_the_large'), '+')


def before_and_after(page, found, where='on test'):
    "The table of calibration measures."
    before, after = found['before'], found['after']
    def value(block, k): return cell(block[k], SIGNED.get(k, '')) if isinstance(block[k], dict) else plain(block[k])
    rows = [(words, value(before, k), value(after, k)) for k, words in MEASURES.items()]
    perfect = [f'{b["ece_of_a_perfect_model"]["mean"]:.3f}, up to {b["ece_of_a_perfect_model"]["high"]:.3f}' for b in (before, after)]
    chance = tag('small', 'mean and 95th percentile of the first line by chance, drawn by person')
    rows.insert(1, (join(['perfect probabilities would show', chance]), *perfect))
    alike = before['ece_of_a_perfect_model'].get('likeness')
    drawn = f' Chance: in {alike:.0%} of persons one draw settles all labels, so alike are those of one person here.' if alike else ''
    return page.table((where, 'before', 'after'), rows, f'n = {before["n"]} images, {before["bins"]} bins.{drawn}')


def calibrator(chosen):
    "Its method and numbers, in words."
    method, numbers = chosen['method'].replace('_', ' '), {k: v for k, v in chosen.items() if isinstance(v, float)}
    return method + ''.join(f'{"" if k == method else ", " + k.replace("_", " ")} {v:.3f}' for k, v in numbers.items())


def calibration(page, run, metrics):
    found = metrics['calibration']
    tried = [(join([k.replace('_', ' '), tag('small', METHODS[k].words)]), f'{v:.4f}', 'kept' if k == found['chosen']['method'] else '')
             for k, v in found['log_loss'].items()]
    left = [f'{k.replace("_", " ")}: {why}' for k, why in found['left_out'].items()]
    table = page.table(('method', 'cross-validated log-loss on valid', ''), tried, f'{found["folds"]} folds by person.') if tried else ''
    kept = calibrator(found['chosen'])
    words = ('Class weights and overfitting distort probabilities. Ways to mend that are compared on valid, by cross-validation over '
             f'persons, and the one with the least log-loss is kept: {kept}. Each is fitted to labels of (n + 1)/(n + 2) and 1/(n + 2) in '
             'place of 1 and 0, n being the images of the class (Platt 1999): images that valid happens to separate are no ground for '
             'certainty. It changes no call and no AUROC of the tables above, which are from the probabilities before calibration.')
    return page.section('calibration', 'Calibration', p(words), table, bullets(left) if left else '',
                        before_and_after(page, found), page.figure(run.folder/'reliability.png', FIGURES['reliability.png']))


def promised(fitted):
    "What the sets promise and what not, a sentence each."
    goal = f'{1 - fitted["error_rate"]:.0%}'
    yield ('A prediction set names every class that the model cannot rule out at the stated error rate. Its limits come from valid: on '
           f'average over many such valid sets, at least {goal} of the images of each class have their class in the set.')
    if not (expected := fitted.get('expected')): return
    law = [f'{expected[c]["low"]:.0%} to {expected[c]["high"]:.0%} of the images with{"" if int(c) else "out"} pneumonia, '
           f'for {fitted["n"][c]:,} on valid, below {goal} in {expected[c]["below"]:.0%} of valid sets' for c in ('0', '1')]
    yield f'One valid set promises less: with a probability of 95%, {"; ".join(law)} (Vovk 2012).'
    yield ('That is for independent images that are like those of valid. Several images of a person make it wider, and the epoch was '
           'chosen on the same images of valid, which makes it somewhat lower.')


def uncertainty(page, run, metrics):
    found = metrics['uncertainty']
    conformal, goal = found['conformal'], 1 - found['conformal']['fitted']['error_rate']
    groups = [*conformal['by_class'].items(), *(conformal['by_view'] or {}).items()]
    covered = page.table(('test images', 'n', 'their class is in the set'), [(k, g['n'], cell(g['coverage'])) for k, g in groups],
                         f'Asked for: {goal:.0%} in each class, on average over sets like valid. By view it is not promised, and may fail.')
    sets = page.table(('set', 'no pneumonia', 'pneumonia'), [(r['set'], r['no pneumonia'], r['pneumonia']) for r in conformal['sets']],
                      'Test images of each label by their set. \u201cBoth\u201d: the model cannot tell. \u201cNeither\u201d: it is '
                      'less sure of either class than it was on all but the stated share of valid.')
    rows = [('none' if not r['asked'] else f'{r["asked"]:.0%}', '\u2013' if r['referred'] is None else f'{r["referred"]:.1%}', r['n'],
             *(cell(r[k]) for k in ('accuracy', 'recall', 'specificity'))) for r in found['referral']]
    referral = page.table(('to a radiologist, of valid', 'of test', 'left to the model', 'right', 'sensitivity', 'specificity'), rows,
                          'An image goes if it is nearer to the threshold than a distance; each distance was set on valid, for a share of '
                          'valid. The share of test is what that distance came to.')
    return page.section('uncertainty', 'Uncertainty', tag('h3', 'Prediction sets (class-conditional conformal prediction)'),
                        p(' '.join(promised(conformal['fitted']))),
                        p(conformal['note'], class_='warning') if 'note' in conformal else '', covered, sets,
                        tag('h3', 'Leaving the uncertain images to a radiologist'), bullets(referral_in_words(metrics)), referral,
                        page.figure(run.folder/'risk_coverage.png', FIGURES['risk_coverage.png']),
                        opinions.copies(page, found), opinions.networks(page, found))
