"The sections and figures of a cross-validation's page that a single run has not."
from ...evaluation.metrics import EVERY, METRICS
from ..figures import diagnostics, style
from ..html import bullets, cell, join, p, plain, tag
from ..labels import BRACKETS, FIGURES, MEANING, NAMES, number
from ..page import write_page
from ..registry import FOLDS, Parts, section
from ..words import in_words
from .calibration import before_and_after, calibrator

OWN = "each image at the threshold of its own fold"


def draw(cv, result):
    overall = result['test']['at_threshold']['auroc']
    drawn = dict(roc_by_fold=diagnostics.roc_by_fold(cv.predictions, result, cv.synthetic),
                 reliability=diagnostics.reliability(result['calibration'], cv.synthetic))
    if result['subgroups'].get('by'): drawn['subgroups'] = diagnostics.forest(result['subgroups'], overall, cv.synthetic)
    for name, fig in drawn.items(): style.save(fig, cv.folder/f'{name}.png')


def present(
    cv,      # a `runs.folds.CrossValidation`
    result,  # as `written.measure_folds` returns it
):
    "Figures and report.html, into the folder that holds the folds; returns the path of the last."
    draw(cv, result)
    how = (f'{result["folds"]}-fold cross-validation: each image tested once, by a network that saw no image of its patient, and called at '
           'the threshold of its own fold')
    return write_page(cv, result, 'folds', how)


def mean_sd(row): return ' \u00b1 '.join('not defined' if v is None else f'{v:.3f}' for v in (row['mean'], row['sd']))


def shown(result):
    "Header and rows of the short table, as text."
    def text(x): return 'not defined' if x is None else f'{x:.3f}'
    rows = [(NAMES.get(m, m), *map(text, r['by_fold']), mean_sd(r), number(r['pooled']))
            for m, r in ((m, result['metrics'][m]) for m in METRICS)]
    return ['metric', *(f'fold {k + 1}' for k in range(result['folds'])), 'mean \u00b1 sd', 'pooled, 95% interval'], rows


def on_screen(result):
    "`shown`; of more than two folds the lowest and the highest, so that it fits 80 columns."
    header, rows = shown(result)
    if result['folds'] < 3: return header, rows
    def ends(row):
        folds = sorted(v for v in row[1:-2] if v != 'not defined')
        return f'{folds[0]} to {folds[-1]}' if folds else 'not defined'
    return ['metric', f'of {result["folds"]} folds', *header[-2:]], [(row[0], ends(row), *row[-2:]) for row in rows]


def words(result):
    "What the numbers mean, a sentence each."
    auroc = result['metrics']['auroc']
    yield from in_words(result, f'Over all folds, {OWN}')
    yield (f'AUROC is {mean_sd(auroc)} over the {result["folds"]} folds, {number(auroc["pooled"])} with the images of all folds in one '
           f'ranking, and {number(result["auroc_within_folds"])} over the pairs of images of one fold. Where the second differs from the '
           'third, the networks of the folds do not share one scale of probability.')


def about(result):
    return (f'All folds: n = {result["n"]} images of {result["patients"]} patients, {result["prevalence"]:.1%} with pneumonia, each tested '
            'once, by the network that saw no image of its patient')


@section('results', 'Results', 40, on=FOLDS)
def results(page, cv, result):
    header = ['', 'pooled', 'mean \u00b1 sd', *cv.splits]
    names = [join([NAMES.get(m, m), tag('small', MEANING[m]) if m in MEANING else '']) for m in EVERY]
    rows = [(name, cell(r['pooled']), mean_sd(r), *map(plain, r['by_fold']))
            for name, r in ((n, result['metrics'][m]) for n, m in zip(names, EVERY, strict=True))]
    folds = [(f'fold {f["fold"]}', *(f'{f["images"][s]:,}' for s in ('train', 'valid', 'test')), f'{f["threshold"]:.4f}', f['rule'],
              calibrator(f['calibrator'])) for f in result['by_fold']]
    table = page.table(header, rows, f'Each fold on its own test images, at its own threshold. Pooled: the images of all folds, {OWN}. '
                       f'{BRACKETS} sd: standard deviation over the {result["folds"]} folds.', class_='results')
    own = page.table(('', 'train', 'valid', 'test', 'threshold', 'rule', 'calibration'), folds, 'What each fold was trained and tested on '
                     '(images), and what its own valid chose.', wide=(5, 6))
    finding, *more = words(result)
    return Parts(finding, page.figure(cv.folder/'roc_by_fold.png', FIGURES['roc_by_fold.png']),
                 join([bullets([*more, about(result)]), elsewhere(page, result)]), (('All metrics, by fold', table), ('The folds', own)))


def elsewhere(page, result):
    found = result['test']['at_threshold'].get('at_prevalence')
    return '' if found is None else p(f'Pooled, were {found["prevalence"]:.1%} of the images pneumonia: PPV ', cell(found['precision']),
                                      ', NPV ', cell(found['npv']), '.', page.mark())


@section('calibration', 'Calibration', 60, on=FOLDS)
def calibration(page, cv, result):
    found = result['calibration']
    raw, after = ('not defined' if a is None else f'{a:.3f}' for a in found['auroc'])
    text = ('Each fold compares ways to calibrate on its own valid and keeps one (\u201cThe folds\u201d above). Here the test images of '
            'all folds are put together, before and after the calibrator of their fold. Within a fold none puts two images in another '
            f'order; across folds that may happen: the pooled AUROC is {raw} before and {after} after. Calls are by the probability '
            'before it.')
    finding = f'Over all folds the expected calibration error is {found["before"]["ece"]:.3f}, and {found["after"]["ece"]:.3f} calibrated.'
    return Parts(finding, page.figure(cv.folder/'reliability.png', FIGURES['reliability.png']), p(text),
                 (('All measures', before_and_after(page, found, 'all folds')),))


def known(result):
    "Of the ensemble, a sentence each."
    k, model = result['folds'], result['ensemble']
    yield (f'What it is: the {k} networks together. Its probability is the mean of theirs (deep ensembles, Lakshminarayanan et al. 2017), '
           'each given the image on its own scale.')
    yield (f'Not known: how well it does. Every image here was used by {"the other network" if k == 2 else f"{k - 1} of its networks"} for '
           'training or to choose epoch and threshold, so no image is left to measure it on. The numbers of this page are of single '
           'networks; means of several are mostly no worse, but that was not measured here.')
    yield (f'Its threshold is {model["threshold"]["value"]:.4f} ({model["threshold"]["rule"]}); its calibration, '
           f'{calibrator(model["calibration"]["chosen"])}, was chosen on the same images. A mean of networks lies further from 0 and 1 '
           'than one network does, so both may fit the ensemble less well than they fit the networks.')
    yield 'To measure it: images of patients who are in none of the folds, at best of another hospital.'


@section('ensemble', 'The networks of the folds as one model', 120, on=FOLDS)
def ensemble(page, cv, result):
    use = 'python -m pneumo_fastai.predict RUN file-or-folder'
    return Parts('model.pt (for predict) and learner.pkl (for fastai\u2019s load_learner) in this folder hold all networks as one.',
                 content=join([tag('pre', use), bullets(known(result))]))
