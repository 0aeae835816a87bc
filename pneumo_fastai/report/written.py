"Everything that follows from the saved numbers of a run, or of folds, written into its folder: metrics, calibration, figures, page."
import json
from pathlib import Path

import pandas as pd

from ..evaluation.adapted import evaluate_adapted
from ..evaluation.cross_validation import evaluate_folds
from ..evaluation.external import evaluate_elsewhere, settings
from ..evaluation.results import evaluate
from ..evaluation.settings import Settings
from ..runs.checksums import renewing
from ..runs.external import own_test
from ..runs.files import read_json
from ..runs.folder import ended, read_run
from ..runs.folds import read_folds
from ..runs.tables import write_table
from ..writing import write
from . import card
from .figures import adaptation, diagnostics, performance, style
from .page import write_page
from .sections import cross_validation, heatmaps

HOW = dict(run='On test at the threshold chosen on valid',
           elsewhere='On images from elsewhere, at the threshold that the run chose on its own valid',
           adapted='On all patients there but those that threshold and calibrator were adapted to')


def measure(run, choices=None):
    "metrics.json and calibration.json from a `folder.Run`: the one look at the test set; returns the metrics."
    found = dict(run=here, elsewhere=elsewhere, adapted=adapted)[run.kind](run, choices)
    warnings = [*run.doubts, *run.not_random, *found['warnings']]
    metrics = dict(data=run.data['name'], synthetic=run.synthetic, **found | dict(warnings=warnings))
    write(run.folder/'metrics.json', json.dumps(metrics, indent=1, allow_nan=False))
    write(run.folder/'calibration.json', json.dumps(metrics['calibration']['chosen'], indent=1, allow_nan=False))
    return metrics


def here(run, choices):
    return evaluate(run.predictions, cohort=run.cohort, class_weights=run.class_weights(), choices=choices, members=run.members)


def adapted(run, choices):
    "Beside what the run chose itself; the rules are those of `choices`."
    where = f'{run.adapted["patients"]:,} patients of {run.data["name"]}'
    return evaluate_adapted(run.predictions, run.cohort, run.of['metrics'], choices or Settings(), run.adapted['draws'], where)


def elsewhere(run, choices):
    "Of an evaluation elsewhere the rules are those of the run whose model it is."
    own = run.of['metrics']
    given = {} if choices is None else {k: getattr(choices, k) for k in ('n_boot', 'seed', 'prevalence')}
    return evaluate_elsewhere(run.predictions, run.cohort, own, settings(own, **given), run.trained_on)


def draw(run, metrics):
    "The figures that need saved numbers alone."
    mark, predictions = run.synthetic, run.predictions
    if run.kind == 'elsewhere': predictions = pd.concat([predictions, own_test(run.of)])
    drawn = dict(roc=performance.roc(predictions, metrics, mark),
                 precision_recall=performance.precision_recall(predictions, metrics, mark),
                 confusion_matrix=performance.confusion_matrix(metrics, mark),
                 reliability=diagnostics.reliability(metrics['calibration'], mark),
                 risk_coverage=diagnostics.risk_coverage(metrics['uncertainty'], mark))
    if run.adapted: drawn['adaptation'] = adaptation.by_patients(metrics, mark)
    if len(run.history): drawn['curves'] = performance.curves(run.history, mark, metrics['valid']['n'])
    if metrics['subgroups'].get('by'):
        drawn['subgroups'] = diagnostics.forest(metrics['subgroups'], metrics['test']['at_threshold']['auroc'], mark)
    for name, fig in drawn.items(): style.save(fig, run.folder/f'{name}.png')


def present(run, metrics):
    "Figures and report.html; images that are in the folder already, such as gradcam.png, are taken in."
    draw(run, metrics)
    metrics = dict(metrics, warnings=[*metrics['warnings'], *heatmaps.warnings(run.folder)])
    return write_page(run, metrics, run.kind, HOW[run.kind])


def measure_folds(cv, choices=None):
    "cv.json and out_of_fold.csv from a `CrossValidation`; returns what the former holds."
    result, rows = evaluate_folds(cv, choices)
    write_table(cv.folder/'out_of_fold.csv', rows)
    write(cv.folder/'cv.json', json.dumps(result, indent=1, allow_nan=False))
    return result


def remeasure(folder, choices=None, force=False):
    "All of it, from the saved files of the run alone, of which `force` says as for `read_run`; returns the `Run` and its metrics."
    run = ended(read_run(folder, force), force)
    run.doubts += heatmaps.changed(run.folder, force)
    said = card.before(run)  # a damaged model is told before anything is written
    with renewing(folder):
        metrics = measure(run, choices)
        card.renew(run, said, metrics)
        present(run, metrics)
    return run, metrics


def present_again(folder):
    "Figures and page once more from the metrics as they are, after something was added to the folder; returns the page's path."
    with renewing(folder): return present(read_run(folder, force=True), read_json(Path(folder)/'metrics.json'))


def remeasure_folds(folder, choices=None, force=False):
    "Of a cross-validation, from the saved files of its folds, which stay as they are; the `CrossValidation` and what cv.json holds."
    cv = ended(read_folds(folder, force), force)
    said = card.before(cv)
    with renewing(folder):
        result = measure_folds(cv, choices)
        card.renew(cv, said, result)
        cross_validation.present(cv, result)
    return cv, result
