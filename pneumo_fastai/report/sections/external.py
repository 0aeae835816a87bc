"The sections of an evaluation elsewhere that a run's page has not: beside the run's own test, and what differs from it."
from ...evaluation.apart import FEATURES
from ...evaluation.metrics import EVERY
from ...evaluation.shortcut import TOGETHER
from ...runs.files import read_json
from .. import words
from ..html import noted
from ..registry import ELSEWHERE, section
from ..templating import cell, plain, sentences, share
from .calibration import MEASURES, SIGNED
from .results import names

LOSSES = 'brier', 'log_loss', 'slope', 'intercept', 'in_the_large'
CHECKED = dict(height='height as stored, pixels: median (quartiles)', width='width as stored, pixels: median (quartiles)',
               grey='mean grey level: median (quartiles)', deviation='standard deviation of grey levels: median (quartiles)')
SHARES = dict(bars='with a bar of one tone at an edge', constant='of one grey level',
              unlike='unlike the images of training, of which the model warns',
              enlarged='smaller than the network takes, enlarged')


def in_words(metrics):
    "AUROC here and on the run's own test, and what the threshold does here, a sentence each."
    at = dict(here=metrics['test']['at_threshold'], own=metrics['own']['test']['at_threshold'], less=metrics['difference']['at_threshold'])
    return sentences('words/elsewhere', **at, metrics=metrics)


@section('results', 'Results, beside the run\u2019s own test', 40, on=ELSEWHERE)
def results_elsewhere(page, run, metrics):
    here, own, less = metrics['test'], metrics['own']['test'], metrics['difference']
    rows = [(name, cell(own['at_threshold'][m]), cell(here['at_threshold'][m]), cell(less['at_threshold'][m], '+'),
             cell(metrics['fitting'][m])) for name, m in zip(names(), EVERY, strict=True)]
    blocks = {'here at 0.5': here['at_0.5'], 'here, at 50% prevalence': metrics['balanced']['at_threshold']}
    also = [(name, *(cell(block[m]) for block in blocks.values())) for name, m in zip(names(), EVERY, strict=True)]
    expected = metrics['expected']
    there = [(name, cell(own['at_threshold'][m]), cell(expected[m]), cell(here['at_threshold'][m]))
             for name, m in (('PPV', 'precision'), ('NPV', 'npv'))]
    return dict(said=in_words(metrics), counts=words.in_words(metrics), words=words, rows=rows, more=['', *blocks], also=also, there=there,
                calibration=calibration(metrics))


def calibration(metrics):
    "Rows of calibration measures after the run's calibrator: own test, here, difference."
    if 'after' not in metrics['difference']: return []
    own, here = metrics['own']['calibration']['after'], metrics['calibration']['after']
    def sign(m): return '+' if m in SIGNED else ''
    first = [(MEASURES[m], plain(own[m]), plain(here[m]), f'{here[m] - own[m]:+z.3f}') for m in ('ece', 'ece_equal_mass')]
    less = metrics['difference']['after']
    return first + [(MEASURES[m], cell(own[m], sign(m)), cell(here[m], sign(m)), cell(less[m], '+')) for m in LOSSES]


@section('differs', 'What differs', 20, on=ELSEWHERE)
def differs(page, run, metrics):
    "Rows of what the two sets are, and of how well they are told apart."
    found = read_json(run.folder/'differs.json')
    apart = found['apart'] or {}
    first = [apart.get(FEATURES), apart.get(TOGETHER)]
    rows = [(noted(name, NOTES.get(name, '')), cell(m)) for name, m in apart.items()]
    return dict(rows=compared(found['own'], found['here'], SPREAD[run.experiment.grey]), apart=rows, first=first, found=found)


NOTES = {FEATURES: 'logistic regression on what goes into its last layer', TOGETHER: 'what the files state, no pixels'}


SPREAD = dict(windowed='', standardised=', once standardised', equalised=', once equalised',
              clahe=', once equalised by tiles')  # the grey levels, by `Data.grey`


def compared(own, here, spread=''):
    "(what, own test, here) of every fact that one of them states."
    def both(name, form): return name, *(form(s) for s in (own, here))
    yield both('images', lambda s: f'{s["images"]:,}')
    yield both('patients', lambda s: f'{s["patients"]:,}')
    yield both('with pneumonia', lambda s: share(s['prevalence']))
    for column in ('view', 'sex'):
        for value in sorted({*own[column], *here[column]}, key=lambda v: (v == 'not stated', v)):
            yield both(f'{column}: {value}', lambda s, c=column, v=value: share(s[c].get(v, 0)/s['images']))
    yield both('age in years: median (quartiles)', lambda s: ends(s['age']))
    if not here['looked_at']: return
    yield both('images looked at for what follows', lambda s: f'{s["looked_at"]:,}')
    for k, name in CHECKED.items(): yield both(name + spread*(k in ('grey', 'deviation')), lambda s, k=k: ends(s.get(k)))
    for k, name in SHARES.items(): yield both(name, lambda s, k=k: '\u2013' if s.get(k) is None else share(s[k]))


def ends(found): return '\u2013' if found is None else '{:.0f} ({:.0f} to {:.0f})'.format(*found)
