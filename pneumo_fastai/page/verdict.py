"What an answer means, in sentences: pure functions of numbers; the sentences are in the report's templates."
from ..evaluation.intervals.estimates import there
from ..report.templating import sentences

OF = 100, 1000
NOT_DEFINED = 'not defined, because the set has one class'


def of_hundred(p) -> str:
    "A probability as a count of a hundred, which says neither none nor all."
    if p < .005: return 'fewer than 1'
    return 'more than 99' if p >= .995 else f'about {round(100*p)}'


def means(
    answer,   # an `Answer`
    recipe,   # the model's
    metrics,  # of the run; None: not known
) -> list[str]:
    "The calibrated probability, what the networks say one by one, and the conformal set: a sentence each."
    p, limits = answer.prediction, recipe.get('conformal')
    usual = recipe.get('disagreement_90')
    return sentences(
        'words/image', hundred=of_hundred(p.calibrated), data=recipe.get('data') or 'the training data', found=p.set,
        n=len(answer.networks), prevalence=metrics and metrics['test']['prevalence'], error=limits and limits.get('error_rate'),
        low=round(100*min(answer.networks, default=0)), high=round(100*max(answer.networks, default=0)),
        torn=None not in (usual, p.disagreement) and p.disagreement > usual)


def called(answer, recipe) -> str:
    "The call, and why."
    rule = recipe.get('threshold_from') or 'chosen on valid'
    return sentences('words/called', p=answer.prediction, threshold=recipe['threshold'], rule=rule)[0]


def at_prevalence(
    metrics,     # of the run
    prevalence,  # above 0, below 1
) -> list[str]:
    "What a call means where so many have pneumonia: counts of a thousand, and the share of calls that are right, with intervals."
    test = metrics['test']['at_threshold']
    if None in (test['recall']['value'], test['specificity']['value']): return ['Not defined: the test set has one class.']
    sick = round(OF[1]*prevalence)
    found, alarms = round(sick*test['recall']['value']), round((OF[1] - sick)*(1 - test['specificity']['value']))
    return sentences('words/prevalence', sick=sick, found=found, alarms=alarms, test=test, prevalence=prevalence,
                     values=there(test, prevalence, NOT_DEFINED))
