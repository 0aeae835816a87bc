"The section on uncertainty: prediction sets, and images left to a radiologist."
from ..html import cell, join, p
from ..labels import FIGURES
from ..registry import RUN, Parts, section
from ..words import referral_in_words
from . import ensembles


def promised(fitted):
    "What the sets promise and what not, a sentence each."
    goal = f'{1 - fitted["error_rate"]:.0%}'
    yield ('A prediction set names every class that the model cannot rule out at the stated error rate. Its limits come from valid: on '
           f'average over many such valid sets, at least {goal} of the images of each class have their class in the set.')
    if not (expected := fitted.get('expected')): return
    law = [f'{expected[c]["low"]:.0%} to {expected[c]["high"]:.0%} of the images with{"" if int(c) else "out"} pneumonia, '
           f'for {fitted["n"][c]:,} on valid, below {goal} in {expected[c]["below"]:.0%} of valid sets' for c in ('0', '1')]
    yield f'One valid set promises less: with a probability of 95%, {"; ".join(law)} (Vovk 2012).'
    yield ('That is for independent images that are like those of valid. Several images of a patient make it wider, and the epoch was '
           'chosen on the same images of valid, which makes it somewhat lower.')


@section('uncertainty', 'Uncertainty', 70, on=RUN)
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
    note = p(conformal['note'], class_='warning') if 'note' in conformal else ''
    return Parts(next(referral_in_words(metrics), ''), page.figure(run.folder/'risk_coverage.png', FIGURES['risk_coverage.png']), note, (
        ('Leaving the uncertain images to a radiologist', referral),
        ('Prediction sets (class-conditional conformal prediction)', join([p(' '.join(promised(conformal['fitted']))), covered, sets])),
        ('Several predictions of one image', join([ensembles.copies(page, found), ensembles.networks(page, found)]))))
