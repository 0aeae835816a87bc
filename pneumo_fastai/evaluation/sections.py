"The parts of the report on what was asked, of which data, how the model was made, and what is left to say."
from ..experiment import Experiment, differences
from . import checklist, cohort
from .folder import hashes
from .html import Safe, bullets, join, p, tag
from .report import FIGURES, LIMITS, QUESTION, SYNTHETIC

SEEDS = dict(seed='of weights, order of images and augmentation', split_seed='of the split by person')
STATES = {checklist.ANSWERED: 'yes', checklist.PART: 'in part', checklist.NONE: 'not done'}


def question(page, run):
    data = run.data
    layout = f', read as {data["layout"]}' if data['layout'] else ''
    about = p('Data: ', tag('b', data['name']), f'{layout}; {len(run.cohort):,} images of {run.cohort["person"].nunique():,} persons. '
              'The label of an image, pneumonia or no pneumonia, is taken from the data set as it is.')
    return page.section('question', 'What was asked', p(QUESTION, class_='lead'), p(SYNTHETIC, class_='warning') if run.synthetic else '',
                        about)


def _box(title, counts, extra=''):
    return tag('div', tag('b', title), f'{counts["images"]:,} images of {counts["persons"]:,} persons, {counts["pneumonia"]:,} with '
               f'pneumonia', extra, class_='box')


USE = dict(train='the weights are fitted to these', valid='epoch, threshold and calibration are chosen on these',
           test='measured once; the numbers to quote')


def flow(run):
    "From the images found to those of each split, in boxes."
    table, reasons = run.cohort, cohort.exclusions(run.rejected)
    out = bullets(f'{n:,}: {reason}' for reason, n in reasons) if reasons else ''
    found = tag('div', tag('b', 'Found'), f'{len(table) + len(run.rejected):,} images', class_='box')
    left = tag('div', tag('b', f'Excluded: {len(run.rejected):,}'), out, class_='box out')
    splits = [(s, table[table['split'] == s]) for s in run.splits]
    boxes = [_box(name.capitalize(), cohort.counted(rows), tag('span', f' \u2013 {USE[name]}') if name in USE else '')
             for name, rows in splits]
    return tag('div', tag('div', found, left, class_='row two'), tag('div', _box('Used', cohort.counted(table)), class_='row'),
               tag('div', *boxes, class_='row three' if len(boxes) == 3 else 'row some'), class_='flow')


def data(page, run):
    notes = [p(tag('b', 'To be wary of: '), note, class_='warning') for note in run.data['notes']]
    return page.section('data', 'From images found to images used', p('Every image found is either used or excluded for a stated reason; '
                        'file by file, the excluded ones are in rejected.csv.'), flow(run), *notes)


def who(page, run):
    crossing, split = cohort.crossing(run.cohort), 'fold' if run.experiment.folds else 'split'
    how = f'{crossing:,} persons are in more than one {split}: the test is not independent' if crossing else f'No person is in two {split}s'
    by = f'by a hash of their identifier (split seed {run.experiment.split_seed}).'
    words = f'Persons are assigned to folds {by}' if run.fold or run.experiment.folds else \
        f'Where the data set ships no split, persons are assigned {by}'
    if run.experiment.folds: words += (f' Fold k is the test of network k; of the other persons, a second hash puts about '
                                       f'{run.experiment.valid:.0%} of all into its valid, the rest into its train.')
    return page.section('cohort', f'Who is in each {split}', p(f'{how}. {words}'),
                        page.table(*cohort.characteristics(run.cohort, run.splits),
                                   caption=f'Images by {split}; shares are of the images of the {split}.'))


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
    return page.section('recipe', 'How the model was made', p(words), table, tag('h3', 'Training') if curves else '', curves, numbers=False)


def how_many(run):
    "One network, one of several folds, or how the networks of an ensemble came to be one model."
    if run.fold: return (f'One network: {run.fold} of a cross-validation by person. Its test persons are in the test of no other fold. '
                         'What the folds say together, and their networks as one model, are in report.html of the folder above.')
    if run.experiment.folds: return of_folds(run.experiment.folds)
    if not (networks := run.environment.get('networks')): return 'One network; no ensemble.'
    several = [k.replace('_', ' ') for k, v in run.recipe.items() if v != getattr(run.experiment, k)]
    differ = f'; they differ in {", ".join(several)}, where all values are listed' if several else ' from one recipe'
    return (f'An ensemble of {len(networks)} networks, each trained so by itself on the same images{differ}. The probability of an image '
            'is the mean of theirs; threshold and calibration were chosen on valid from that mean.')


def networks(page, run):
    "Which trained networks an ensemble is made of."
    rows = [(i, tag('code', n['folder']), n['command'], tag('code', n['sha256'])) for i, n in
            enumerate(run.environment.get('networks', ()), 1)]
    return page.table(('network', 'run', 'trained by', 'SHA-256 of its model.pt'), rows, wide=(1, 2, 3), class_='hashes',
                      numbers=False) if rows else ''


def limits(page, metrics, lines=LIMITS):
    return page.section('limits', 'Limits and intended use', bullets(lines),
                        *([tag('h3', 'Warnings of this run'), bullets(metrics['warnings'])] if metrics['warnings'] else []),
                        p('The test images come from the same source as the training images: nothing here says how the model does '
                          'elsewhere. Intended use: to study methods and to teach. It was not assessed for use with patients.'),
                        numbers=False)


def _items(page, name, items, source):
    said, author = checklist.by_state(items)
    def where(state, at): return at if state == checklist.NONE else tag('a', f'section \u201c{TITLES.get(at, at)}\u201d', href=f'#{at}')
    rows = [(tag('span', f'{number} ', item), STATES[state], where(state, at)) for number, item, state, at in said]
    words = f'{len([i for i in said if i[2] == checklist.ANSWERED])} items answered, {len(said)} touched on, of {len(items)}. {source}'
    return join([tag('h3', name), p(words), page.table(('item', 'answered', 'where'), rows, wide=(2,), numbers=False),
                 p(tag('b', 'Only the author can say: '), '; '.join(f'{number} {item}' for number, item, *_ in author), '.')])


TITLES = dict(question='What was asked', data='From images found to images used', cohort='Who is in each split',
              recipe='How the model was made', results='Results', operating='Operating points', calibration='Calibration',
              uncertainty='Uncertainty', subgroups='Subgroups', shortcut='Shortcuts', gradcam='Where it looked', errors='Worst errors',
              limits='Limits and intended use', checklists='Reporting checklists', provenance='How to get the same numbers')


def checklists(page, run):
    claim = checklist.claim(explained=(run.folder/'localization.json').is_file())
    words = ('Which items of two reporting guidelines this page answers. Item texts are shortened; hand in the form of the journal. '
             'An item counts as answered only where this page says what it asks for; \u201cin part\u201d is what a program can know, '
             'the rest is for the author.')
    return page.section('checklists', TITLES['checklists'], p(words),
                        _items(page, 'CLAIM 2024', claim, 'Tejani et al., Radiology: Artificial Intelligence 2024;6:e240300.'),
                        _items(page, 'TRIPOD+AI', checklist.TRIPOD, 'Collins et al., BMJ 2024;385:e078378.'), numbers=False)


INTERVALS = ('Wilson score, of as many independent images as the variance over persons says (AUROC: Obuchowski 1997); losses on the scale '
             'of the logarithm; differences by paired bootstrap over persons')


def provenance(
    page, run, metrics,
    files=None,  # whose hashes are given; all of the run's unless given
):
    env = run.environment
    packages = env.get('packages', {})
    rows = [(k, env[k]) for k in ('system', 'processor', 'cores', 'device', 'precision', 'python') if k in env]
    rows += [*packages.items(), *((k.replace('_', ' '), f'{run.recipe[k]} ({why})') for k, why in SEEDS.items()),
             ('intervals', INTERVALS),
             ('seed of what is resampled', f'{metrics["choices"]["seed"]} ({metrics["choices"]["n_boot"]:,} resamples of persons)')]
    files = [(tag('code', name), f'{size:,}', tag('code', sha)) for name, size, sha in hashes(run.folder, files=files)]
    return page.section(
        'provenance', TITLES['provenance'], tag('pre', env.get('command', 'not stated')),
        p('measures anew from the saved predictions, without images and without training, by'),
        evaluate_command(metrics),
        networks(page, run),
        page.table(('machine, versions, seeds', ''), rows, wide=(1,), numbers=False),
        page.table(('file of the run', 'bytes', 'SHA-256'), files, 'A file whose hash is another is not the one this page was made of.',
                   class_='hashes', numbers=False), numbers=False)


def evaluate_command(metrics):
    "What to type to get these numbers again from the run's folder."
    c, point = metrics['choices'], metrics['choices']['rule']
    if point in ('sensitivity', 'specificity'): point += f'={c[point]:g}'
    if point == 'cost': point += f'={c["miss"]/c["alarm"]:g}'
    prevalence = '' if c['prevalence'] is None else f' --prevalence {c["prevalence"]:g}'
    return tag('pre', Safe(f'python -m pneumo_fastai.evaluate RUN --operating-point {point} --error {c["error_rate"]:g} '
                           f'--n-boot {c["n_boot"]} --seed {c["seed"]}{prevalence}'))
