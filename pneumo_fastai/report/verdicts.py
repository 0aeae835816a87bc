"Three verdicts in words on a report's first screen: discrimination, calibration, heatmaps; each with what it rests on."
from ..evaluation.draws import AFTER, HARMS, HELPS, NOT
from .sections import heatmaps as maps
from .sections.adapted import asked
from .sections.adapted import in_words as told
from .sections.external import in_words
from .sections.map_checks import kept
from .sections.subgroups import measured_shortcuts
from .templating import sentences

GOOD, AMBER, RED, OPEN = 'good', 'amber', 'red', 'open'
ALL = 'all of the above'  # of `evaluation.shortcut`: everything that is known without a look at the lungs
CHANCE = 'chance'
UNSCORED = 'python -m pneumo_fastai.gradcam RUN scores them against boxes and random weights.'
TOLD = .02  # of AUROC: a drop of no more is none
GREAT = .1  # of an ECE: probabilities that are off by ten percentage points are of no use as probabilities


def verdict(name, level, word, text, at): return dict(name=name, level=level, word=word, text=text, at=at)


def baselines(run, metrics):
    "(what it is, AUROC) of all that a model has to beat, chance first."
    yield CHANCE, dict(value=.5, low=None, high=None)
    if view := metrics['baseline'].get('view'): yield 'the view position alone', view['auroc']
    if found := measured_shortcuts(run.folder).get(ALL): yield 'all that is known without the lungs', found


def discrimination(run, metrics):
    "Red: the best baseline is not below the model; amber: their intervals overlap."
    auroc, name = metrics['test']['at_threshold']['auroc'], 'Discrimination'
    words, rival = max(((w, m) for w, m in baselines(run, metrics) if m['value'] is not None), key=lambda item: item[1]['value'])
    text, = sentences('words/verdict_discrimination', auroc=auroc, words=words, rival=rival, chance=CHANCE)
    if auroc['value'] is None: return verdict(name, AMBER, 'not measured', text, 'results')
    if auroc['value'] <= rival['value']: return verdict(name, RED, 'no better than the baseline', text, 'shortcut')
    high = rival['value'] if rival['high'] is None else rival['high']
    if auroc['low'] is None or auroc['low'] <= high: return verdict(name, AMBER, 'not clearly above the baseline', text, 'shortcut')
    return verdict(name, GOOD, 'above the baseline', text, 'results')


def calibration(metrics):
    "Amber: off by more than perfect probabilities show on 95% of such sets, or these show `GREAT` too; red: more than both."
    after, name = metrics['calibration']['after'], 'Calibration'
    text, = sentences('words/verdict_calibration', after=after)
    if after.get('ece') is None: return verdict(name, AMBER, 'not measured', text, 'calibration')
    chance = after['ece_of_a_perfect_model']['high']
    if GREAT <= after['ece'] <= chance: return verdict(name, AMBER, 'too few images to tell', text, 'calibration')
    if after['ece'] >= GREAT: return verdict(name, RED, 'probabilities do not mean what they say', text, 'calibration')
    if after['ece'] > chance: return verdict(name, AMBER, 'off by more than chance', text, 'calibration')
    return verdict(name, GOOD, 'as good as can be told', text, 'calibration')


def heatmaps(run):
    "Red: the maps survive random weights, or do worse than the mean box; amber: they do not beat it, or part of them stays."
    found, name = maps.scored(run.folder), 'Heatmaps'
    if not found: return verdict(name, OPEN, 'not measured', UNSCORED, 'gradcam')
    text, where = maps.verdicts(found)[0], found['localization']
    if found['sanity']['survives']: return verdict(name, RED, 'they show the image, not what was learnt', kept(found['sanity']), 'gradcam')
    if 'reason' in where: return verdict(name, OPEN, 'no boxes to score them with', text, 'gradcam')
    if maps.fine(found): return verdict(name, GOOD, 'they find what readers boxed', text, 'gradcam')
    if maps.beats(where): return verdict(name, AMBER, 'part of them does not depend on the weights', text, 'gradcam')
    worse = any((d['pointing']['high'] or 0) < 0 for k, d in where['difference'].items() if k != maps.LABELS)
    return verdict(name, RED if worse else AMBER, 'worse than the mean box' if worse else 'no better than the mean box', text, 'gradcam')


def elsewhere(metrics):
    "Red: AUROC is lower here than chance explains; amber: chance may explain what there is, which is not to say that it does."
    less, name = metrics['difference']['at_threshold']['auroc'], 'Beside its own test'
    text = in_words(metrics)[0]
    if less['low'] is None: return verdict(name, AMBER, 'not measured', text, 'results')
    if less['high'] < 0: return verdict(name, RED, 'worse here', text, 'results')
    return verdict(name, GOOD if less['low'] > -TOLD else AMBER, 'no worse here' if less['low'] > -TOLD else 'no clear difference', text,
                   'results')


def adapted(metrics):
    "By the log-loss of all other patients, over draws of as many patients as were asked for."
    row, name = asked(metrics), 'Adapted'
    level = dict(zip((HELPS, NOT, HARMS), (GOOD, AMBER, RED), strict=True))[row['change'][AFTER]['log_loss']['says']]
    return verdict(name, level, f'recalibration {row["change"][AFTER]["log_loss"]["says"]}', told(metrics)[0], 'adapted')


def verdicts(run, metrics, kind):
    if kind == 'adapted': yield adapted(metrics)
    if kind == 'elsewhere': yield elsewhere(metrics)
    yield discrimination(run, metrics)
    yield calibration(metrics)
    if kind == 'run' or (kind == 'elsewhere' and maps.scored(run.folder)): yield heatmaps(run)
