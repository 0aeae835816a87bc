"python -m pneumo_fastai.audit: look at a data set before training on it, or at its labels by the folds trained on it."
import sys
from pathlib import Path

from .cli import check_out, flag, run
from .errors import InputError
from .experiment import DATA, MIXED, ONE_IMAGE, differences, load_experiment
from .screen import bar, console

FORMS = 5  # augmented forms of an image that are drawn
WORST = 60  # images on the page of --labels


def findings_file(out): return Path(out).with_suffix('.json')
def augmented_file(out): return Path(out).with_stem(f'{Path(out).stem}-augmented')


def audit(
    data:str = 'demo',     # 'demo', or a folder, as for fit
    exp:str = 'baseline',  # an experiment's name, or the path of its TOML file: its size and splits are looked at
    out:str = None,        # the figure (audit.png), findings beside it as .json; of --labels the page (label_review.html), .csv beside
    show:bool = False,     # also draw some images as the network sees them in training, augmented; a file beside, *-augmented.png
    cache:str = None,      # where decoded images are kept; the user's cache folder unless given
    labels:str = None,     # the folder of a cross-validation (fit --folds 5): rank its images by how likely their label is wrong
    truth:str = None,      # of --labels: a CSV of path,label, labels known to be right, to see how many of the wrong ones it finds
    worst:int = WORST,     # of --labels: images on the page, those whose label is likeliest wrong; 0 for all
    **overrides:(*DATA, *ONE_IMAGE),
):
    "Count, find duplicates, borders and order in a data set, test what tells its label without a look at the lungs; or review its labels."
    given = [k for k, v in overrides.items() if v is not None]
    if labels: return reviewed(labels, out, truth, worst, data != 'demo' or exp != 'baseline' or show or cache or given)
    if truth or worst != WORST: raise InputError('--truth and --worst are for --labels; give --labels RUN too, or leave them out')
    check_out(out := out or 'audit.png', ('.png',))
    check_out(findings_file(out))
    name, experiment = load_experiment(exp, **overrides)
    changes = {k: v for k, v in differences(experiment).items() if k in ONE_IMAGE}
    check_shown(show, name, changes, [k for k in given if k in ONE_IMAGE], out)
    from .report import audit as report
    found, cohort = report.audited(data, experiment, out, findings_file(out), cache)
    report.show(found)
    console.print(f'the figure: {out}; every finding, with all its files: {findings_file(out)}', soft_wrap=True, markup=False)
    if show: draw_augmented(name, experiment, changes, cohort, augmented_file(out))


def reviewed(folder, out, truth, worst, others):
    "The labels of a cross-validation: the page and its table, and what they say."
    if others: raise InputError('--labels takes data and recipe from its run; leave out --data, --exp, --show, --cache and fields')
    if worst < 0: raise InputError(f'worst is {worst}; give a number of images, or 0 for all')
    check_out(out := out or 'label_review.html', ('.html',), what='page')
    from .report import label_review as report
    check_out(file := report.table_file(out))
    if truth and Path(truth).resolve() == file.resolve(): raise InputError(f'{truth} would be overwritten; give another name with --out')
    report.show(report.review(folder, out, truth, worst))
    console.print(f'every image, by rank: {file}\n\nread {out}', soft_wrap=True, markup=False)


def check_shown(show, name, changes, given, out):
    "`InputError` for fields that matter to --show alone without it, and for --show where nothing is to be seen."
    if show and not changes:
        raise InputError(f'experiment {name} changes no image by itself, there is nothing to show; give --exp augmented, or --rotate 10')
    if given and not show: raise InputError(f'{flag(given[0])} changes only what --show draws; give --show too')
    if show: check_out(augmented_file(out))


def draw_augmented(name, experiment, changes, cohort, file):
    "Images of each class as they are and augmented, into `file`."
    with bar('augmenting'):
        from .report.figures.augmented import augmented_page, examples
        from .report.figures.style import save
        from .training.forms import forms
        rows = examples(cohort.table)
        images, masks = forms(cohort, experiment, rows, FORMS)
        title = f'{cohort.name}: training images, as they are and as experiment {name} augments them'
        before = ' and '.join(['normalisation', *(o for o in MIXED if getattr(experiment, o))])
        save(augmented_page(title, changes, rows.label, images, masks, before, cohort.synthetic), file)
    console.print(f'what the network sees in training: {file}', soft_wrap=True, markup=False)


if __name__ == '__main__':
    sys.exit(run(audit))
