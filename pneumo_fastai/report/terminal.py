"What a command prints at its end: counts, tables of results, what they mean, warnings, and what to do next."
import shlex
from pathlib import Path

from ..errors import readable
from ..screen import console, note, table
from .labels import number
from .words import console_table, in_words


def show_cohort(cohort, summary):
    "Counts by split, notes and rejected files, before anything is trained on them."
    synthetic = ', synthetic: drawn by a program, no patient\'s' if cohort.synthetic else ''
    rows = [(name, f'{r["images"]:,}', f'{r["patients"]:,}', f'{r["pneumonia"]:,}', f'{r["prevalence"]:.1%}')
            for name, r in summary.to_dict('index').items()]
    table(f'{cohort.name} ({cohort.layout}{synthetic})', ['split', 'images', 'patients', 'pneumonia', 'prevalence'], rows)
    for text in cohort.notes: note(text)
    if len(cohort.rejected): note(f'{len(cohort.rejected)} files, listed in rejected.csv', 'rejected')


def show_run(
    title, metrics,
    more=(),  # sentences besides those of `in_words`
):
    "The table of results, what it means, and warnings."
    console.print(console_table(metrics, title, metrics['synthetic']))
    for line in (*in_words(metrics), *more): console.print(line, markup=False)
    for warning in metrics['warnings']: note(warning)


def show_elsewhere(run, metrics):
    "The run's own test beside the images from elsewhere, what it means, what was left out, and warnings."
    from ..evaluation.metrics import METRICS
    from .labels import NAMES
    from .sections.external import in_words as told
    own, here, less = metrics['own']['test']['at_threshold'], metrics['test']['at_threshold'], metrics['difference']['at_threshold']
    rows = [(NAMES[m], number(own[m]), number(here[m]), number(less[m], sign='+')) for m in METRICS]
    title = f'{run.title}{" (synthetic data)" if metrics["synthetic"] else ""}: the run\'s threshold, {metrics["threshold"]["value"]:.4f}'
    table(title, ['', 'own test', 'here', 'difference'], rows, narrow=True)
    for line in told(metrics): console.print(line, markup=False)
    for warning in (*metrics['warnings'], *run.data['notes']): note(warning)


def show_adapted(run, metrics):
    "Before and after by number of patients, what it means, what was left out, and warnings."
    from .sections.adapted import in_words as told
    from .sections.adapted import on_screen
    title = f'{run.title}{" (synthetic data)" if metrics["synthetic"] else ""}: all other patients, before \u2192 after'
    table(title, *on_screen(metrics), narrow=True)
    for line in told(metrics): console.print(line, markup=False)
    for warning in (*metrics['warnings'], *run.data['notes']): note(warning)


def show_folds(title, result):
    "The table of the folds, what it means, and warnings."
    from .sections.cross_validation import on_screen, words
    title = f'{title}{" (synthetic data)" if result["synthetic"] else ""}, test of each fold at its own threshold'
    table(f'{title}: n = {result["n"]} images of {result["patients"]} patients', *on_screen(result))
    for line in words(result): console.print(line, markup=False)
    for warning in result['warnings']: note(warning)


def show_comparison(side):
    "The table of several runs, and what it does not say by itself."
    from .tables.side_by_side import notes
    from .tables.side_by_side import table as tabled
    header, rows, paired = tabled(side)
    cells = [[c.replace(' [', '\n[') if len(side) > 3 else c for c in row] for row in (*rows, *paired)]
    table('test, each run at its own threshold', header, cells)
    for line in notes(side): console.print(line, markup=False)


def show_settings(found):
    "The table of settings and their repetitions, what it finds, and what it does not say by itself."
    from .tables.learning import words as learning
    from .tables.settings import notes, on_screen, words
    table(f'{found["title"]}{" (synthetic data)" if found["synthetic"] else ""}', *on_screen(found), narrow=True)
    for line in (*words(found), *learning(found), *notes(found)): console.print(line, markup=False)


def show_study(found):
    "The tables of a study, as far as they fit, and what they do not say by themselves."
    from .tables import elsewhere, study
    for line in study.head(found): console.print(line, markup=False)
    for t in found['tables']:
        console.print()
        table(study.title(t), *study.on_screen(t), narrow=True)
        for line in study.notes(t): console.print(line, markup=False)
    if rows := found['elsewhere']:
        console.print()
        table('elsewhere', *elsewhere.on_screen(rows), narrow=True)
        for line in study.notes_elsewhere(rows): console.print(line, markup=False)
    console.print()
    for line in study.reading(found): console.print(line, markup=False)


def show_maps(found):
    "What localization.json says, in a few lines."
    from .sections.map_checks import kept
    scored = found['localization']
    if 'reason' in scored: console.print(f'localisation: {scored["reason"]}', markup=False)
    for name, m in scored.get('maps', {}).items():
        console.print(f'{name}: pointing {number(m["pointing"])}, AUPRC {number(m["average_precision"])}', markup=False)
    console.print(kept(found['sanity']), markup=False)


def show_predictions(frame, n_files, rejected, warned, recipe):
    "The first rows, as `frame` has them, what the threshold is, and how far to trust a probability."
    from ..evaluation.calibrators import apply
    n = recipe.get('members', 1)
    numbers = ['calibrated', 'disagreement'] if n > 1 else ['calibrated']
    recipe = dict(experiment='a model', data='unknown data', synthetic=False, threshold_from='as given') | recipe
    sets = ['set'] if recipe.get('conformal') else []
    rows = [(readable(Path(r.path).name), *((*(f'{getattr(r, k):.3f}' for k in numbers), r.prediction, *(getattr(r, k) for k in sets))
                                  if not isinstance(r.reason, str) else (*'-'*len(numbers), f'rejected: {r.reason}', *'-'*len(sets))))
            for r in frame.itertuples()]
    synthetic = ', trained on synthetic data' if recipe['synthetic'] else ''
    columns = ['file', 'calibrated probability', *numbers[1:], 'prediction', *sets]
    table(f'{recipe["experiment"]} on {recipe["data"]}{synthetic}', columns, rows)
    if n_files > len(frame): console.print(f'and {n_files - len(frame)} more, in the file')
    if rejected: note(f'{rejected} of {n_files} files', 'rejected')
    if warned: note(f'{warned} of {n_files} images are unlike those of training; the column warnings says how', 'warning')
    console.print(f'pneumonia at or above {float(apply(recipe["calibrator"], recipe["threshold"])):.3f} ({recipe["threshold_from"]}); '
                  f'calibration: {recipe["calibrator"]["method"]}')
    if sets:
        console.print(f'set: the classes that are not ruled out, so that of images like those of valid about '
                      f'{1 - recipe["conformal"]["error_rate"]:.0%} of each class keep their own; cannot tell: both, neither: none')
    if n > 1:
        usual = f'; nine in ten images of valid are at or below {recipe["disagreement_90"]:.3f}' if 'disagreement_90' in recipe else ''
        console.print(f'disagreement: how far the {n} networks differ on the image (mutual information in nats, 0 where all say the same, '
                      f'0.69 at most){usual}')


def show_parts(kept, out):
    "What a list in parts came to: counts, reasons, the rate of a worker, and where it is."
    files, warned, seconds = kept.rows, kept.total('warned'), kept.total('seconds')
    console.print(f'{files:,} files in {len(kept.done):,} parts; a worker scored {files/max(seconds, .01):.1f} files/s')
    if again := kept.head['repeated']: note(f'{again:,} lines of the list name a file that an earlier line names; each has one row')
    if kept.rejected:
        why = ', '.join(f'{n:,} {reason}' for reason, n in kept.reasons.most_common(5))
        note(f'{kept.rejected:,} of {files:,} files: {why}', 'rejected')
    if warned: note(f'{warned:,} of {files:,} images are unlike those of training; the column warnings says how', 'warning')
    written(Path(out)/kept.path(0).name, *['...'] * (len(kept.done) > 1), Path(out)/'parts.jsonl')


def read(page): console.print(f'\nread {page}', soft_wrap=True, markup=False)
def written(*files): console.print(f'written: {" and ".join(map(str, files))}', soft_wrap=True, markup=False)


def pointers(folder):
    "Where a run is, and what to do next."
    console.print(f'\nrun folder: {folder}\n'
                  f'  read   {folder}/report.html\n'
                  f'  use    python -m pneumo_fastai.predict {shlex.quote(str(folder))} a-file-or-folder', soft_wrap=True, markup=False)
