"Operating points: a threshold chosen on valid by a stated rule, and what it does on test."
import numpy as np

from ..errors import InputError
from .intervals.counts import NO_NEGATIVE, NO_POSITIVE, ONE_CLASS, both_classes, checked
from .intervals.estimates import rates_block
from .intervals.ranks import cuts, most
from .metrics import youden_threshold

RULES = ('youden', 'sensitivity', 'specificity', 'cost')


def share(value, name):
    "`value` itself; `InputError` unless it lies between 0 and 1."
    if not 0 < value < 1: raise InputError(f'the {name} is {value}; give a share above 0 and below 1, such as 0.9')
    return value


def threshold_at_sensitivity(y, p, target):
    "The highest threshold with a sensitivity of `target` or more: the fewest false alarms; None where there is no positive."
    y, p = checked(y, p)
    if not y.any(): return None
    thresholds, tp, _ = cuts(y, p)
    return float(thresholds[y.sum() - tp <= most(y.sum(), share(target, 'sensitivity'))].max())


def threshold_at_specificity(y, p, target):
    "The lowest threshold with a specificity of `target` or more: the fewest misses; None where there is no negative."
    y, p = checked(y, p)
    if y.all(): return None
    thresholds, _, fp = cuts(y, p)
    return float(thresholds[fp <= most(len(y) - y.sum(), share(target, 'specificity'))].min())


def expected_cost(
    sensitivity, specificity,
    miss, alarm,  # cost of a missed positive and of a false alarm, in one unit
    prevalence,
):
    "Cost an image to be expected at that prevalence, in that unit (Metz 1978)."
    return prevalence*miss*(1 - sensitivity) + (1 - prevalence)*alarm*(1 - specificity)


def threshold_at_least_cost(y, p, miss, alarm, prevalence):
    "The threshold of least `expected_cost`, of equally good ones the lowest; None unless both classes occur."
    y, p = checked(y, p)
    if not (miss > 0 and alarm > 0): raise InputError(f'a miss costs {miss} and a false alarm {alarm}; give two numbers above 0')
    if not both_classes(y): return None
    thresholds, tp, fp = cuts(y, p)
    cost = expected_cost(tp/y.sum(), 1 - fp/(len(y) - y.sum()), miss, alarm, share(prevalence, 'prevalence'))
    return float(thresholds[np.argmin(cost.round(12))])  # rounded, or the last bit would choose among equals


def choose(y, p, rule, choices):
    "`(threshold, words, why)` of a rule on valid; the threshold is None, and `why` says so, where the rule has no answer."
    if rule == 'youden': return youden_threshold(y, p), 'youden', ONE_CLASS
    if rule == 'sensitivity':
        return threshold_at_sensitivity(y, p, choices.sensitivity), f'sensitivity of at least {choices.sensitivity:g}', NO_POSITIVE
    if rule == 'specificity':
        return threshold_at_specificity(y, p, choices.specificity), f'specificity of at least {choices.specificity:g}', NO_NEGATIVE
    if rule != 'cost': raise InputError(f'the rule {rule!r} is unknown; there are {", ".join(RULES)}')
    prevalence = choices.cost_prevalence(y)
    words = f'least expected cost, a miss costing {choices.miss:g} and a false alarm {choices.alarm:g} at a prevalence of {prevalence:.3g}'
    if not 0 < prevalence < 1: return None, words, ONE_CLASS
    return threshold_at_least_cost(y, p, choices.miss, choices.alarm, prevalence), words, ONE_CLASS


def cost_of(block, choices, prevalence):
    "`expected_cost` of the rates of a block; None where they are not defined."
    sensitivity, specificity = block['recall']['value'], block['specificity']['value']
    if sensitivity is None or specificity is None: return None
    return float(expected_cost(sensitivity, specificity, choices.miss, choices.alarm, prevalence))


def operating_points(valid, test, choices):
    "For each of `RULES`: rule, words, threshold, and `rates_block` of valid (optimistic) and of test; or a reason for there being none."
    points = []
    for rule in RULES:
        threshold, words, why = choose(valid['label'], valid['probability'], rule, choices)
        point = dict(rule=rule, words=f'{words} on valid', threshold=threshold)
        if threshold is None: points.append(dict(point, reason=f'not defined, because on valid {why}'))
        else:
            point |= {name: rates_block(rows, threshold, choices.prevalence)
                      for name, rows in (('valid', valid), ('test', test))}
            prevalence = choices.cost_prevalence(valid['label'])
            if rule == 'cost': point |= {f'expected_cost_{k}': cost_of(point[k], choices, prevalence) for k in ('valid', 'test')}
            points.append(point)
    return points
