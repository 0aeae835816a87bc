"The sections and figures of a cross-validation's page that a single run has not."
from ...evaluation.metrics import METRICS
from ..figures import diagnostics, style
from ..labels import NAMES, number
from ..page import write_page
from ..registry import FOLDS, section
from ..templating import cell, count, plain, sentences
from ..words import in_words
from .calibration import calibrator, measures
from .results import names


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


def text(x): return 'not defined' if x is None else f'{x:.3f}'
def mean_sd(row): return f'{text(row["mean"])} \u00b1 {text(row["sd"])}'


def shown(result):
    "Header and rows of the short table, as text."
    rows = [(NAMES[m], *map(text, r['by_fold']), mean_sd(r), number(r['pooled'])) for m, r in result['metrics'].items() if m in METRICS]
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
    own = in_words(result, 'Over all folds, each image at the threshold of its own fold')
    return [*own, *sentences('words/folds', result=result, spread=mean_sd(result['metrics']['auroc']))]


@section('results', 'Results', 40, on=FOLDS)
def results_of_folds(page, cv, result):
    rows = [(name, cell(r['pooled']), mean_sd(r), *map(plain, r['by_fold']))
            for name, r in zip(names(), result['metrics'].values(), strict=True)]
    folds = [(fold, *(count(f['images'][s]) for s in ('train', 'valid', 'test')), f'{f["threshold"]:.4f}', f['rule'],
              calibrator(f['calibrator'])) for fold, f in zip(cv.splits, result['by_fold'], strict=True)]
    return dict(said=words(result), rows=rows, folds=folds)


@section('calibration', 'Calibration', 60, on=FOLDS)
def calibration_of_folds(page, cv, result):
    raw, after = map(text, result['calibration']['auroc'])
    return dict(raw=raw, after=after, measures=measures(result['calibration']))


@section('ensemble', 'The networks of the folds as one model', 120, on=FOLDS)
def ensemble(page, cv, result): return dict(calibrator=calibrator(result['ensemble']['calibration']['chosen']))
