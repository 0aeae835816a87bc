"What a bundle says of its run, and README.md of it: a model card in Hugging Face's form."
from importlib.metadata import version

from ..data.counts import counted
from ..errors import InputError
from ..evaluation.metrics import METRICS
from ..runs import facts
from ..runs.files import anew
from ..runs.folder import chosen
from ..writing import write
from .templating import environment

LEAST = 3  # images of a value of a characteristic that is told


def about(run, found) -> dict:
    "What model.json has of a `Run` or `CrossValidation` besides the model: the cohort it was trained on, its metrics, use and versions."
    blocks = dict({} if run.folds else dict(valid=found['valid']), test=found['test']['at_threshold'])
    cohort = {s: summary(run.cohort[run.cohort['split'] == s]) for s in run.splits}
    training = run.adapted['training'] if run.adapted else dict(recipe=run.recipe, data=run.data, cohort=cohort)
    return dict(training=training, metrics={k: of_block(b) for k, b in blocks.items()}, **adapted(run, found, cohort),
                made_by=dict(run.environment.get('packages', {}), pneumo_fastai=version('pneumo_fastai')))


def adapted(run, found, cohort) -> dict:
    "Of an adaptation from which run, to whom, and what was chosen by them."
    if not run.adapted: return {}
    here, drawn = found['adaptation'], cohort['valid']
    told = dict(run=run.of['name'], weights_sha256=run.of['sha256'], data=run.data['name'], patients=drawn['patients'],
                images=drawn['images'], norms=bool(run.of.get('norms')), calibrator=here['kept'], threshold=found['threshold']['rule'],
                before=here['own'], cohort=cohort)
    return dict(adapted=told)


def of_block(block): return {k: block[k] for k in ('n', 'patients', 'prevalence', *METRICS) if k in block}


def summary(rows) -> dict:
    "How many images and patients, with what prevalence, views, sexes and ages: no value that fewer than `LEAST` images have."
    def counts(column):
        values = rows[column].astype(object).fillna('not stated').value_counts()
        return {str(k): int(n) for k, n in values.items() if n >= LEAST}
    age = rows['age'].dropna()
    quartiles = [float(q) for q in age.quantile([.25, .5, .75])] if len(age) >= LEAST else None
    return dict(counted(rows), view=counts('view'), sex=counts('sex'), age_quartiles=quartiles)


def text(found) -> str:
    "The card of what model.json says; what it does not say is left out."
    from jinja2 import ChainableUndefined
    return environment().overlay(undefined=ChainableUndefined).get_template('card.md').render(m=found, test=found['metrics'].get('test'))


def decided(run, found) -> dict:
    "threshold, calibrator and the like of its model: of folds those of their mean."
    name = 'cv.json' if run.folds else 'metrics.json'
    try: return chosen(found['ensemble'] if run.folds else found)
    except (KeyError, TypeError): raise InputError(f'{run.folder}/{name} has no threshold or no calibration; {anew(name)}') from None


def before(run):
    "What model.json says of a sound bundle, whose card may be damaged; None where the run has no model.json."
    folder = run.folder/facts.FOLDER
    return facts.read(folder, (facts.CARD,)) if (folder/facts.NAME).is_file() else None


def renew(run, before, found):
    "model.json and its card after `found` was measured anew: thresholds, calibrator, limits and metrics; nothing where there was none."
    if not before: return
    folder = run.folder/facts.FOLDER
    now = facts.described(facts.flat(before) | decided(run, found), about(run, found))
    write(folder/facts.CARD, text(now))
    facts.save(folder, now)
