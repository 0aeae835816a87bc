"The table of results, once for the terminal and once for the report, and the report itself in plain words."
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from .folder import write
from .html import fenced, markdown
from .metrics import METRICS

HEADER = ('metric', 'valid at threshold', 'test at threshold', 'test at 0.5')
NAMES = dict(balanced_accuracy='balanced accuracy', f1='F1', auroc='AUROC', average_precision='average precision', npv='NPV', mcc='MCC',
             partial_auc='partial AUC', sensitivity_at_90_specificity='sensitivity at 90% specificity',
             sensitivity_at_95_specificity='sensitivity at 95% specificity', specificity_at_90_sensitivity='specificity at 90% sensitivity',
             specificity_at_95_sensitivity='specificity at 95% sensitivity')
FIGURES = {
    'curves.png': 'Training: loss and metrics by epoch. The star marks the epoch with the best AUROC on valid. A valid loss that rises '
                  'while the train loss falls is overfitting.',
    'roc.png': 'ROC curve: the share of pneumonia found against the share of false alarms, over all thresholds. The dotted diagonal is '
               'chance; the marked points are the chosen threshold.',
    'precision_recall.png': 'Precision and recall: of the images called pneumonia, how many are, against how many of all are found. The '
                            'dotted line is chance, which is the prevalence.',
    'confusion_matrix.png': 'Counts of right and wrong calls on test, with the share of each true class.',
    'roc_by_fold.png': 'ROC curves: a thin line for the test images of each fold, the thick one for all of them together. The marked '
                       'points are the thresholds that each fold chose on its own valid.',
    'reliability.png': 'Reliability: of the images given a probability, the share that has pneumonia, before and after calibration. On the '
                       'dotted line a probability means what it says; the bars below count the images.',
    'risk_coverage.png': 'Risk and coverage: how many of the calls are wrong when only the images the model is surest of are left to it.',
    'subgroups.png': 'AUROC with its 95% interval in each subgroup of the test images. Hollow points rest on few images: read nothing into '
                     'them.',
    'top_losses.png': 'The images the model got most wrong: worth looking at for wrong labels, tubes and wires, text, odd positions.',
    'gradcam.png': 'Grad-CAM (Selvaraju et al. 2017): where the image spoke for pneumonia. Coarse, and no proof of a finding there.',
    'mean_maps.png': 'Mean heatmap of the test images without and with pneumonia, and where the boxes of the training images lie. All '
                     'images are laid over each other as they are.',
    'attention.png': 'Heatmaps of the same images of valid before training and as it went on, from left to right.',
    'attention.gif': 'The same, moving; the last picture is the end of training.',
}
QUESTION = 'How well does a model tell chest radiographs with pneumonia from those without, on persons it never saw?'
SYNTHETIC = 'The images are synthetic, drawn by a program: the numbers show that the pipeline works and say nothing about patients.'
BRACKETS = 'In brackets: 95% interval, allowing for several images of a patient.'
LIMITS = (
    'The label is what readers marked on the image, not a diagnosis confirmed by the clinical course.',
    'The intervals (95%, allowing for several images of a patient) say how much chance in the choice of test persons may move a number. '
    'They say nothing of another hospital, another scanner, another age group, nor of training again.',
    'Epoch and threshold were chosen on valid, so the numbers of valid are optimistic, its AUROC too; those of test are the ones to quote.',
    'Precision and accuracy hold at the prevalence of this test set; where pneumonia is rarer, more of the positive calls are wrong.',
)

OPTIMISTIC = 'the numbers of valid are optimistic: epoch and threshold were chosen there'
NARROW = .05  # an interval of less is given to three places


def places(
    low, high,
    least,  # at least so many
):
    "Decimal places at which no end of an interval that leaves out zero looks like zero; what is below 1e-9 is rounding."
    near = min(abs(low), abs(high)) if low*high > 0 else 0
    return next((d for d in range(least, 10) if round(near, d)), least)


def number(
    metric,
    digits=None,  # of the interval; two unless given, or three where it is narrow
    sign='',   # '+' for a difference and the like: an interval that leaves out zero then has as many digits as show it
):
    "A metric with its interval, like `0.871 [0.82, 0.91]`, or 'not defined'."
    if metric['value'] is None: return 'not defined'
    value, low, high = metric['value'], metric['low'], metric['high']
    if low is None: return f'{value:{sign}z.3f} [no interval]'
    ends = digits or (2 if high - low >= NARROW else 3)
    if sign: ends = places(low, high, ends)
    form = f'{sign}z.{ends}f'  # z: no -0.000
    return f'{value:{sign}z.{max(3, ends)}f} [{low:{form}}, {high:{form}}]'


def rows(metrics):
    "The table under `HEADER`, a tuple of four texts for each metric; `metrics` as `summary.evaluate` returns it."
    blocks = metrics['valid'], metrics['test']['at_threshold'], metrics['test']['at_0.5']
    return [(NAMES.get(m, m), *(number(block[m]) for block in blocks)) for m in METRICS]


def _about(name, block):
    "One line on a split: how many images, of how many persons, with how much pneumonia."
    return f'{name}: n = {block["n"]} images of {block["persons"]} persons, {block["prevalence"]:.1%} with pneumonia'


def console_table(metrics, title='', synthetic=False):
    "The same rows as a `rich.table.Table`, 77 columns wide."
    title = f'{title} (synthetic data)'.strip() if synthetic else title
    table = Table(title=Text(title) if title else None, title_justify='left', caption_justify='left', box=SIMPLE_HEAD, show_edge=False,
                  pad_edge=False, collapse_padding=True, padding=(0, 1, 0, 0),
                  caption=Text('\n'.join([*(_about(k, metrics[k]) for k in ('valid', 'test')), f'threshold {_threshold(metrics)}',
                                          OPTIMISTIC])))
    for i, name in enumerate(HEADER): table.add_column(name, justify='right' if i else 'left')
    for row in rows(metrics): table.add_row(*map(Text, row))  # as Text, or rich takes [not defined] for markup
    return table


def _threshold(metrics): return f'{metrics["threshold"]["value"]:.4f} ({metrics["threshold"]["rule"]})'


def in_words(metrics, where='On test, at the threshold'):
    "What the counts on test mean, and what it takes to do better than nothing."
    at, base = metrics['test']['at_threshold'], metrics['baseline']
    yield (f'{where}: of {at["tp"] + at["fn"]} images with pneumonia {at["tp"]} were found and {at["fn"]} missed; of '
           f'{at["tn"] + at["fp"]} without, {at["fp"]} raised a false alarm.')
    yield (f'For comparison: calling every image "{"pneumonia" if base["always"] else "no pneumonia"}" has accuracy {base["accuracy"]:.3f} '
           f'and AUROC {base["auroc"]:.1f}.')
    if 'view' in base: yield beside_view(base['view'], metrics['subgroups'].get('by', {}).get('view', {}).get('within'))


def beside_view(
    view,    # of `metrics['baseline']`
    within,  # the model's AUROC over pairs of images of one view; None where not measured
):
    "How well the view alone tells the label, and how well the model does where the view cannot."
    unseen = f' ({view["unseen"]} images have a view that training never saw)' if view['unseen'] else ''
    alone = f'The view position alone, without looking at the image, has AUROC {number(view["auroc"])}{unseen}.'
    if not within: return alone
    has = f'has AUROC {number(within)}' if within['value'] is not None else f"has an AUROC that is {within['reason']}"
    return f'{alone} Over pairs of images of one view, which the view cannot tell apart, the model {has}.'


def also_in_words(metrics):
    "Calibration and what is gained by giving the uncertain images away, a sentence each; none where undefined."
    found = metrics['calibration']
    before, after = (found[k].get('ece') for k in ('before', 'after'))
    if before is not None:
        perfect = found['after']['ece_of_a_perfect_model']['mean']
        yield (f'Calibration by {found["chosen"]["method"].replace("_", " ")}, fitted on valid: the expected calibration error on test is '
               f'{before:.3f} before and {after:.3f} after; perfect probabilities would show about {perfect:.3f} on these images.')
    yield from referral_in_words(metrics)
    yield from members_in_words(metrics)


def referral_in_words(metrics):
    for cut in metrics['uncertainty']['referral']:
        if cut['asked'] == .2 and cut['n'] and cut['accuracy']['value'] is not None:
            yield (f'If images go to a radiologist that are as near to the threshold as the nearest {cut["asked"]:.0%} of valid, '
                   f'{cut["referred"]:.0%} of the test images go; the calls on the other {cut["n"]} are right in '
                   f'{cut["accuracy"]["value"]:.1%}.')


def members_in_words(metrics):
    "What several predictions of each image are good for, a sentence for the copies and one for the networks."
    whose = dict(augmentation=('copies', 'changed copies of each image', 'to the image as it is'),
                 ensemble=('networks', 'networks', 'to the networks one by one, on average'))
    for source, (short, what, to) in whose.items():
        found = metrics['uncertainty'].get(source, dict(members=0))
        if found['members'] < 2: continue
        gain, doubt, near = found['auroc']['difference'], *(found['marking'][k] for k in ('disagreement', 'confidence'))
        if gain['value'] is not None:
            yield (f'The mean over {found["members"]} {what} has AUROC {number(found["auroc"]["mean"])} on test; compared {to}, '
                   f'that is {number(gain, 3, "+")}.')
        if doubt['value'] is not None:
            yield (f'Disagreement among the {found["members"]} {short} marks the wrong calls with AUROC {number(doubt)} (0.5 is chance); '
                   f'nearness to the threshold does with {number(near)}.')


def dashed(lines): return [f'- {line}' for line in lines]


def _results(metrics):
    table = [HEADER, ('---',)*len(HEADER), *rows(metrics)]
    return [_about('Valid', metrics['valid']) + '.  ', _about('Test', metrics['test']) + '.  ',
            f'Threshold: {_threshold(metrics)}; an image at or above it is called pneumonia.', '',
            *('| ' + ' | '.join(row) + ' |' for row in table), '',
            f'{BRACKETS} Recall is also called sensitivity, precision positive predictive value.', '',
            *dashed(in_words(metrics)), *dashed(also_in_words(metrics))]


def _figures(folder, mark):
    for name, words in FIGURES.items():
        if (folder/name).exists(): yield from (f'![{name}]({name})', '', words + (f' *{mark}*' if mark else ''), '')


def write_report(
    folder,        # the run's; its figures are linked where they exist
    title,
    metrics,       # as `summary.evaluate` returns it
    cohort_lines,  # what the data are and how they were split, a line each
    notes,         # warnings besides those in `metrics`, a line each
    recipe,        # the experiment's settings by name
    command,       # what to type to do it again
    synthetic,     # whether the images were; then every section with numbers says so
    results=None,  # lines; those of `metrics` unless given
    limits=LIMITS,
    more=(),       # lines that follow the results
):
    "Write `report.md` into `folder`, whole or not at all; returns its path."
    folder, mark = Path(folder), 'Synthetic data.' if synthetic else ''
    tag = ' (synthetic data)' if synthetic else ''
    warnings = dashed(map(markdown, [*notes, *metrics.get('warnings', [])]))
    lines = [f'# {markdown(title)}{tag}', '', 'For research and education, not for diagnosis.', '',
             '## Question', '', QUESTION, '', *([SYNTHETIC, ''] if synthetic else []),
             f'## Data{tag}', '', *dashed(map(markdown, cohort_lines)), '', f'## Warnings{tag}', '', *(warnings or ['None.']), '',
             f'## Results{tag}', '', *(results or _results(metrics)), '', *more, f'## Figures{tag}', '', *_figures(folder, mark),
             '## Limits', '', *dashed(limits), '', '## How it was made', '', *fenced(command), '',
             '| setting | value |', '| --- | --- |', *(f'| {k} | {markdown(v)} |' for k, v in recipe.items()), '']
    return write(folder/'report.md', '\n'.join(lines))
