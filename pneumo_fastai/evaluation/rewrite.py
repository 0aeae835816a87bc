"Everything that follows from the saved numbers of a run, or of folds, written into its folder: metrics, calibration, figures, reports."
import json
from pathlib import Path

from . import diagrams, figures, looked, pooled, pooled_page
from .cohort import cohort_lines
from .folder import class_weights, ended, read_json, read_run, renewing, write
from .page import write_page
from .report import write_report
from .summary import evaluate


def measure(run, choices=None):
    "metrics.json and calibration.json from a `folder.Run`: the one look at the test set; returns the metrics."
    found = evaluate(run.predictions, cohort=run.cohort, class_weights=class_weights(run), choices=choices, members=run.members)
    metrics = dict(data=run.data['name'], synthetic=run.synthetic, **found | dict(warnings=[*run.doubts, *found['warnings']]))
    write(run.folder/'metrics.json', json.dumps(metrics, indent=1, allow_nan=False))
    write(run.folder/'calibration.json', json.dumps(metrics['calibration']['chosen'], indent=1, allow_nan=False))
    return metrics


def draw(run, metrics):
    "The figures that need saved numbers alone."
    mark, predictions = run.synthetic, run.predictions
    drawn = dict(roc=figures.roc(predictions, metrics, mark), precision_recall=figures.precision_recall(predictions, metrics, mark),
                 confusion_matrix=figures.confusion_matrix(metrics, mark), reliability=diagrams.reliability(metrics['calibration'], mark),
                 risk_coverage=diagrams.risk_coverage(metrics['uncertainty'], mark))
    if len(run.history): drawn['curves'] = figures.curves(run.history, mark, metrics['valid']['n'])
    if metrics['subgroups'].get('by'):
        drawn['subgroups'] = diagrams.forest(metrics['subgroups'], metrics['test']['at_threshold']['auroc'], mark)
    for name, fig in drawn.items(): figures.save(fig, run.folder/f'{name}.png')


def present(run, metrics):
    "Figures, report.md and report.html; images that are in the folder already, such as gradcam.png, are taken in."
    draw(run, metrics)
    metrics = dict(metrics, warnings=[*metrics['warnings'], *looked.warnings(run.folder)])
    write_report(run.folder, run.title, metrics, cohort_lines(run), run.data['notes'], run.recipe,
                 run.environment.get('command', 'not stated'), run.synthetic, more=looked.markdown(run.folder, run.synthetic))
    return write_page(run, metrics)


def rewrite(folder, choices=None, force=False):
    "All of it, from the saved files of the run alone, of which `force` says as for `read_run`; returns the `Run` and its metrics."
    run = ended(read_run(folder, force), force)
    with renewing(folder):
        metrics = measure(run, choices)
        present(run, metrics)
    return run, metrics


def present_again(folder):
    "Figures and reports once more from the metrics as they are, after something was added to the folder; returns the page's path."
    with renewing(folder): return present(read_run(folder, force=True), read_json(Path(folder)/'metrics.json'))


def rewrite_folds(folder, choices=None, force=False):
    "Of a cross-validation, from the saved files of its folds, which stay as they are; the `CrossValidation` and what cv.json holds."
    cv = ended(pooled.read_folds(folder, force), force)
    with renewing(folder):
        result = pooled.measure(cv, choices)
        pooled_page.present(cv, result)
    return cv, result
