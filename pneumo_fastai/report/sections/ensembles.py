"The part of the report on several predictions of one image: what their mean gains, and whether disagreement marks wrong calls."
from markupsafe import Markup

from ..html import bullets, cell, join, p, tag
from ..labels import BRACKETS, number

COPIES, NETWORKS = 'Each image looked at several times (test-time augmentation)', 'Several networks (deep ensemble)'
MOST = 0.69  # log 2
HOW_TO = 'Whether several networks agree on an image can be asked of an ensemble: python -m pneumo_fastai.ensemble RUN RUN RUN'


def copies(page, uncertainty):
    "Nothing where the run has no augmented.csv."
    if not (found := uncertainty.get('augmentation')): return Markup('')
    n = found['members']
    words = (f'Each image was given to the network {n} more times, each time changed at random as the training images were. Where the '
             'answers differ, the network goes by something that should not matter. All calls are those of the image as it is.')
    if 'reason' in found: return join([tag('h3', COPIES), p(found['reason'])])
    rows = [('the image as it is', 'single', ''), (f'mean of {n} copies', 'mean', ''), ('difference', 'difference', '+')]
    return join([tag('h3', COPIES), p(words), gain(page, found, rows), *doubt(page, found, 'copies')])


def networks(page, uncertainty):
    "How to get an ensemble, where the run is none."
    if not (found := uncertainty.get('ensemble')): return join([tag('h3', NETWORKS), p(HOW_TO)])
    n = found['members']
    words = (f'The probability of an image is the mean of {n} networks that were trained separately on the same images. Where they '
             'disagree, the training images do not settle what to make of this one.')
    if 'reason' in found: return join([tag('h3', NETWORKS), p(found['reason'])])
    rows = [('mean of single networks', 'single', ''), ('ensemble', 'mean', ''), ('ensemble less single', 'difference', '+')]
    return join([tag('h3', NETWORKS), p(words), gain(page, found, rows), *doubt(page, found, 'networks')])


def gain(page, found, rows):
    "AUROC and Brier score of the mean, of one prediction, and the difference; of an ensemble each network first."
    pairs = zip(found['auroc']['each'], found['brier']['each'], strict=True) if len(found['auroc']['each']) > 1 else ()
    each = [(f'network {i}', *(cell(m, digits=3) for m in pair)) for i, pair in enumerate(pairs, 1)]
    table = [(words, *(cell(found[m][k], sign, 3) for m in ('auroc', 'brier'))) for words, k, sign in rows]
    return page.table(('on test', 'AUROC', 'Brier score, the less the better'), [*each, *table],
                      f'{BRACKETS} That of a difference is by resampling patients for both alike.')


def doubt(page, found, what):
    "Whether disagreement marks wrong calls, in words, and what is left when the images it names go to a radiologist."
    def row(cut, k):
        c, name = cut[k], dict(disagreement='with most disagreement', confidence='nearest to the threshold')[k]
        return (f'the {cut["asked"]:.0%} {name}', '\u2013' if c['referred'] is None else f'{c["referred"]:.1%}', c['n'],
                *(tag('span', c[m]['reason'], class_='why') if c[m]['value'] is None else number(c[m])
                  for m in ('accuracy', 'recall', 'specificity')))
    rows = [row(cut, k) for cut in found['referral'] for k in ('disagreement', 'confidence')]
    return (p(f'Disagreement is measured as mutual information in nats: 0 where all {what} say the same, {MOST} (log 2) at most.'),
            bullets([*levels(found['information']), *marks(found['marking'])]),
            page.table(('first to a radiologist, of valid', 'of test', 'left to the model', 'right', 'sensitivity', 'specificity'), rows,
                       'The calls on the test images left to the model. Where to cut was set on valid; images that rank the same stay '
                       'together.'))


def levels(information):
    "How large disagreement is on right and on wrong calls."
    for name, found in information.items():
        if not found['n']: yield f'{name.capitalize()} calls: disagreement is {found["reason"]}.'
        else:
            q = found['quantiles']
            yield (f'{name.capitalize()} calls ({found["n"]}): disagreement is {found["mean"]:.4f} on average; half lie below '
                   f'{q["50%"]:.4f}, nine in ten between {q["5%"]:.4f} and {q["95%"]:.4f}.')


def marks(marking):
    "The verdict: does disagreement mark wrong calls, and better than nearness to the threshold does."
    doubt, near, more = (marking[k] for k in ('disagreement', 'confidence', 'difference'))
    if doubt['value'] is None: return [f'How well disagreement marks wrong calls is {doubt["reason"]}.']
    said = (f'Of one wrong and one right call, the wrong one shows the greater disagreement in {doubt["value"]:.0%} of pairs (AUROC '
            f'{number(doubt)}; chance is half), and lies nearer to the threshold in {near["value"]:.0%} (AUROC {number(near)}).')
    if more['low'] is None: return [said]
    verdict = ('disagreement marks wrong calls better than nearness to the threshold' if more['low'] > 0 else
               'nearness to the threshold marks wrong calls better; it needs no further prediction' if more['high'] < 0 else
               'these images do not tell which of the two marks wrong calls better')
    left = f' ({more["reason"]})' if 'reason' in more else ''
    return [said, f'Difference {number(more, 3, "+")}{left}: {verdict}.']
