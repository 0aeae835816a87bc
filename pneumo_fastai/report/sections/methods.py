"The sections on how the model was made, and on limits."
from ...experiment import Experiment, differences
from ..html import bullets, join, p, tag
from ..labels import FIGURES, LIMITS
from ..registry import FOLDS, RUN, Parts, section


def of_folds(k):
    return (f'{k} networks, one a fold, by one recipe and from the same random weights; each is scaled to the training images of its own '
            'fold. What each fold has of its own \u2013 curves, operating points, uncertainty, Grad-CAM, reporting checklists \u2013 is in '
            f'fold-1/report.html to fold-{k}/report.html.')


@section('recipe', 'Methods', 30, numbers=False)
def recipe(page, run, metrics):
    base, differs = Experiment(), differences(run.experiment)
    differs |= {k: v for k, v in run.recipe.items() if v != getattr(run.experiment, k)}  # in which the networks of an ensemble differ
    by_fold = run.fold or run.experiment.folds
    names = [k for k in (*differs, *(k for k in run.recipe if k not in differs)) if not (run.fold and k == 'folds')]
    def value(k): return 'one fold' if k == 'test' and by_fold else run.recipe[k]
    def cell(k): return tag('span', value(k), class_='differs') if k in differs else value(k)
    def rows(some): return [(k.replace('_', ' '), cell(k), getattr(base, k)) for k in some]
    header, same = ('setting', 'this run', 'baseline'), [k for k in names if k not in differs]
    own = page.table(header, rows([k for k in names if k in differs]), 'What differs from the baseline.', numbers=False)
    words = ('A convolutional network trained from random weights, with one input channel and two outputs, by cross-entropy and Adam with '
             'a cosine schedule. The input is the image alone, scaled to the mean and deviation of the training images. The weights of the '
             f'epoch with the best AUROC on valid are kept. {how_many(run)}')
    return Parts(kept_epoch(run), page.figure(run.folder/'curves.png', FIGURES['curves.png']), join([p(words), own if differs else '']),
                 (('Settings as in the baseline', page.table(header, rows(same), numbers=False)),))


def kept_epoch(run):
    "Which epoch's weights were kept, in a sentence; nothing where the run has no history of its own."
    if 'auroc' not in run.history or run.history['auroc'].isna().all(): return ''
    best = run.history.loc[run.history['auroc'].idxmax()]
    epoch, auroc = f'{best["epoch"]:.0f}', f'{best["auroc"]:.3f}'
    return f'Trained for {len(run.history)} epochs; the weights are those of epoch {epoch}, with AUROC {auroc} on valid.'


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


ELSEWHERE = ('The test images come from the same source as the training images: nothing here says how the model does elsewhere. Intended '
             'use: to study methods and to teach. It was not assessed for use with patients.')


@section('limits', 'Limits and intended use', 130, on=RUN, numbers=False)
def limits(page, run, metrics): return Parts(ELSEWHERE, content=bullets(LIMITS))


@section('limits', 'Limits and intended use', 130, on=FOLDS, numbers=False)
def limits_of_folds(page, cv, result):
    "Those of a single run, and those of folds."
    lines = (
        LIMITS[0],
        'The intervals (95%, allowing for several images of a patient) say how much chance in the choice of test patients may move a '
        'pooled number, the networks staying what they are. They say nothing of another hospital, another scanner, another age group.',
        'The standard deviation over folds holds chance in test patients and in training patients alike. The folds are not independent '
        f'(patients whom one tests, others train on), so sd divided by \u221a{result["folds"]} is no standard error of the mean (Bengio '
        'and Grandvalet 2004). All networks begin from the same random weights.',
        'Epoch, threshold and calibrator of each fold were chosen on its own valid, whose patients are not in its test.', LIMITS[3])
    return Parts(ELSEWHERE, content=bullets(lines))
