"The sections on how the model was made, and on limits."
from ..experiment import Experiment, differences
from .html import bullets, p, tag
from .labels import FIGURES, LIMITS
from .titles import TITLES


def of_folds(k):
    return (f'{k} networks, one a fold, by one recipe and from the same random weights; each is scaled to the training images of its own '
            'fold. What each fold has of its own \u2013 curves, operating points, uncertainty, Grad-CAM, reporting checklists \u2013 is in '
            f'fold-1/report.html to fold-{k}/report.html.')


def recipe(page, run):
    base, differs = Experiment(), differences(run.experiment)
    differs |= {k: v for k, v in run.recipe.items() if v != getattr(run.experiment, k)}  # in which the networks of an ensemble differ
    by_fold = run.fold or run.experiment.folds
    names = [k for k in (*differs, *(k for k in run.recipe if k not in differs)) if not (run.fold and k == 'folds')]
    def value(k): return 'one fold' if k == 'test' and by_fold else run.recipe[k]
    def cell(k): return tag('span', value(k), class_='differs') if k in differs else value(k)
    rows = [(k.replace('_', ' '), cell(k), getattr(base, k)) for k in names]
    words = ('A convolutional network trained from random weights, with one input channel and two outputs, by cross-entropy and Adam with '
             'a cosine schedule. The input is the image alone, scaled to the mean and deviation of the training images. The weights of the '
             f'epoch with the best AUROC on valid are kept. {how_many(run)}')
    table = page.table(('setting', 'this run', 'baseline'), rows, 'What differs from the baseline stands first, tinted.', numbers=False)
    curves = page.figure(run.folder/'curves.png', FIGURES['curves.png'])
    return page.section('recipe', TITLES['recipe'], p(words), table, tag('h3', 'Training') if curves else '', curves, numbers=False)


def how_many(run):
    "One network, one of several folds, or how the networks of an ensemble came to be one model."
    if run.fold: return (f'One network: {run.fold} of a cross-validation by patient. Its test patients are in the test of no other fold. '
                         'What the folds say together, and their networks as one model, are in report.html of the folder above.')
    if run.experiment.folds: return of_folds(run.experiment.folds)
    if not (networks := run.environment.get('networks')): return 'One network; no ensemble.'
    several = [k.replace('_', ' ') for k, v in run.recipe.items() if v != getattr(run.experiment, k)]
    differ = f'; they differ in {", ".join(several)}, where all values are listed' if several else ' from one recipe'
    return (f'An ensemble of {len(networks)} networks, each trained so by itself on the same images{differ}. The probability of an image '
            'is the mean of theirs; threshold and calibration were chosen on valid from that mean.')


def limits(page, metrics, lines=LIMITS):
    return page.section('limits', 'Limits and intended use', bullets(lines),
                        *([tag('h3', 'Warnings of this run'), bullets(metrics['warnings'])] if metrics['warnings'] else []),
                        p('The test images come from the same source as the training images: nothing here says how the model does '
                          'elsewhere. Intended use: to study methods and to teach. It was not assessed for use with patients.'),
                        numbers=False)
