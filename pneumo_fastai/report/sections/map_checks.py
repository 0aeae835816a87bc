"The report's checks of heatmaps: do they depend on the weights, how far do other runs draw the same, and does heat lie outside the lungs?"
from ..html import noted
from ..labels import number, places
from ..templating import sentences, share

PURPOSE = (('shuffle_labels', 'shuffled labels', 'labels, with their boxes, dealt out at random: what is alike here does not come from the '
            'disease'), ('seed', 'another seed', 'another seed: how repeatable the maps are'))


def interval(likeness):
    "The mean of a likeness as a metric, None of None; a run that was explained before has no interval."
    return likeness and dict(value=likeness['mean'], low=likeness.get('low'), high=likeness.get('high'))


def depends(sanity):
    "Whether random weights leave nothing of the maps that the interval tells from nothing."
    last = interval(sanity['cascade'][-1]['rank_correlation'])
    return not sanity['survives'] and (last is None or last['low'] is None or last['low'] <= 0 <= last['high'])


def kept(sanity):
    "What is left of the maps when all weights are random, in a sentence."
    return sentences('words/kept', last=interval(sanity['cascade'][-1]['rank_correlation']), depends=depends(sanity), sanity=sanity)[0]


def purpose(other):
    "Of `PURPOSE`: what the comparison with a run is good for, or None."
    return next((o for o in PURPOSE if o[0] in other['differs'] and (o[0] != 'seed' or len(other['differs']) == 1)), None)


def beside(others):
    "(the same correlation, with what) of the runs that tell how to read it."
    return [(interval(o['rank_correlation']), purpose(o)[1]) for o in others if purpose(o) and o['rank_correlation']]


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


def alike(o): return spread(o['ssim']), spread(o['rank_correlation'])


def differs(other):
    said = ', '.join(k.replace('_', ' ') + ('' if v is True else f' {v}') for k, v in other['differs'].items()) or 'nothing in its recipe'
    return noted(said, f' \u2013 {why[2]}' if (why := purpose(other)) else '')


def beyond(s):
    "Heat less area of a region, with its interval; a run that was explained before has none."
    return s.get('more', dict(value=s['heat'] - s['area'], low=None, high=None))


def hotter(kinds):
    "The regions that have more heat than area, and those of which chance in the choice of patients leaves that open."
    found = dict(more=[], undecided=[])
    for k, kind in kinds.items():
        for region, s in kind['shares'].items():
            more = beyond(s)
            low, high = (min(0, more['value']), more['value']) if more['low'] is None else (more['low'], more['high'])
            if 'half' not in region and high >= 0: found['more' if low > 0 else 'undecided'].append((region, k, s, gap(more)))
    return found


def checks(found):
    "Rows of the tables, and what `hotter` found."
    kinds = found['bias']
    return dict(
        sanity=[(s['randomised'], *alike(s), s['flat']) for s in found['sanity']['cascade']],
        others=[(o['run'], differs(o), *alike(o), f'{o["n"]:,}', o['flat']) for o in found['others']],
        bias=[(region, k, share(s['heat']), share(s['area']), number(beyond(s), 3, '+'))
              for region in next(iter(kinds.values()))['shares'] for k in kinds for s in (kinds[k]['shares'][region],)],
        hotter=hotter(kinds))
