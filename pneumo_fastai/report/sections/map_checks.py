"The report's checks of heatmaps: do they depend on the weights, how far do other runs draw the same, and does heat lie outside the lungs?"
from ..html import join, p, tag
from ..labels import FIGURES, number, places

SHOWN = 'mean \u00b1 standard deviation [95% interval of the mean, over patients]'
PURPOSE = (('shuffle_labels', 'shuffled labels', 'labels, with their boxes, dealt out at random: what is alike here does not come from the '
            'disease'), ('seed', 'another seed', 'another seed: how repeatable the maps are'))


def interval(likeness):
    "Of the mean of a likeness; a run that was explained before has none."
    return dict(value=likeness['mean'], low=likeness.get('low'), high=likeness.get('high'))


def depends(sanity):
    "Whether random weights leave nothing of the maps that the interval tells from nothing."
    last = sanity['cascade'][-1]['rank_correlation']
    return not sanity['survives'] and (last is None or last.get('low') is None or last['low'] <= 0 <= last['high'])


def kept(sanity):
    "What is left of the maps when all weights are random, in a sentence."
    last = sanity['cascade'][-1]['rank_correlation']
    limit = f'{sanity["limit"]:.1f} or more would mean that they show the image, not what was learnt'
    if last is None: return f'With all weights random a map of every pair is flat: no correlation says what is left of the maps ({limit}).'
    how = f'With all weights random the rank correlation with the trained network\'s maps is {number(interval(last), sign="+")}'
    if sanity['survives']: return f'{how}: the maps survive ({limit}). Do not use them to explain this model.'
    if last.get('low') is None: return f'{how}: whether part of the maps stays is not told ({limit}).'
    if depends(sanity): return f'{how}: no part of the maps is seen to stay ({limit}).'
    return (f'{how}: that part of the maps does not depend on the weights, but on the image and on how the network is built. Only what '
            f'goes beyond it can show what was learnt ({limit}).')


def purpose(other):
    "Of `PURPOSE`: what the comparison with a run is good for, or None."
    return next((o for o in PURPOSE if o[0] in other['differs'] and (o[0] != 'seed' or len(other['differs']) == 1)), None)


def beside(others):
    "The same correlation with the maps of runs that tell how to read it; nothing where there are none."
    named = [(purpose(o)[1], number(interval(o['rank_correlation']), sign='+')) for o in others if purpose(o) and o['rank_correlation']]
    if named: yield 'For comparison, with the maps of other networks: ' + '; '.join(f'{r} with {name}' for name, r in named) + '.'


def gap(difference):
    "In percentage points, with its interval."
    value, low, high = difference['value'], difference['low'], difference['high']
    d = 1 if low is None else places(100*low, 100*high, 1)
    def points(x): return f'{100*round(x, d + 2):+z.{d}f}'
    return f'{points(value)} percentage points' + (' [no interval]' if low is None else f' [{points(low)}, {points(high)}]')


def spread(m):
    if m is None: return 'flat'
    text = f'{m["mean"]:.2f} \u00b1 {m["sd"]:.2f}'
    return text if m.get('low') is None else f'{text} {number(interval(m), sign="+").split(" ", 1)[1]}'


def sanity(page, found):
    stages = found['sanity']['cascade']
    rows = [(s['randomised'], spread(s['ssim']), spread(s['rank_correlation']), s['flat']) for s in stages]
    words = ('The weights are made random from the output back to the input, block by block; they are drawn once. A map that shows what '
             'was learnt falls apart at once; one that stays shows edges of the image (Adebayo et al. 2018). 1 is the same map, 0 is no '
             'likeness.')
    table = page.table(('random from the output to', 'structural similarity (SSIM)', 'rank correlation', 'flat maps'), rows,
                       f'Likeness to the maps of the trained network, {SHOWN}, n = {stages[0]["n"]} test images. '
                       'A pair with a flat map, before or after, has no rank correlation and is left out of it.')
    return join([p(words), table])


def differs(other):
    said = ', '.join(k.replace('_', ' ') + ('' if v is True else f' {v}') for k, v in other['differs'].items()) or 'nothing in its recipe'
    return join([said, tag('small', f' \u2013 {why[2]}') if (why := purpose(other)) else ''])


def others(page, found):
    rows = [(o['run'], differs(o), spread(o['ssim']), spread(o['rank_correlation']), f'{o["n"]:,}', o['flat']) for o in found['others']]
    return join([page.table(('run', 'differs in', 'SSIM', 'rank correlation', 'images', 'flat maps'), rows,
                            f'Likeness of the maps on the images that are in test for both, {SHOWN}.', wide=(1,))])


def beyond(share):
    "Heat less area of a region, with its interval; a run that was explained before has none."
    return share.get('more', dict(value=share['heat'] - share['area'], low=None, high=None))


def hotter(kinds):
    "The regions that have more heat than area, and those of which chance in the choice of patients leaves that open, in words."
    found = {'More heat than area': [], 'Undecided': []}
    for k, kind in kinds.items():
        for region, s in kind['shares'].items():
            more, text = beyond(s), f'{region} ({k}: {s["heat"]:.1%} of the heat on {s["area"]:.1%} of the area, {gap(beyond(s))})'
            low, high = (min(0, more['value']), more['value']) if more['low'] is None else (more['low'], more['high'])
            if 'half' not in region and high >= 0: found['More heat than area' if low > 0 else 'Undecided'].append(text)
    said = [f'{name}: {"; ".join(regions)}.' for name, regions in found.items() if regions]
    return ' '.join(said) or 'None of these regions has more heat than its area would have by chance.'


def bias(page, run, found):
    kinds = found['bias']
    rows = [(region, k, f'{s["heat"]:.1%}', f'{s["area"]:.1%}', number(beyond(s), 3, '+'))
            for region in next(iter(kinds.values()))['shares'] for k in kinds for s in (kinds[k]['shares'][region],)]
    header = ('', 'label', 'share of heat', 'share of area', 'heat less area')
    words = ('No lung explains heat outside the body, in the top corners (where letters are burnt in) or on the border. Where the share of '
             'heat is above the share of area, look for a shortcut. The left half is, in the usual display, the right side of the patient; '
             'with the heart on the other side, halves need not be equal.')
    n = ', '.join(f'{kinds[k]["n"]:,} with {k}' if k == 'pneumonia' else f'{kinds[k]["n"]:,} without' for k in kinds)
    table = page.table(header, rows, f'Test images: {n}. Means over the images; in brackets the 95% interval over patients.',
                       wide=(1,))
    return join([p(words, ' ', tag('b', hotter(kinds))), table,
                 page.figure(run.folder/'mean_maps.png', FIGURES['mean_maps.png'])])
