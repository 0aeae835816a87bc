"What the numbers of a run say, in sentences, and the table of results on the terminal."
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from ..evaluation.metrics import METRICS
from .labels import NAMES, number

HEADER = ('metric', 'valid at threshold', 'test at threshold', 'test at 0.5')

OPTIMISTIC = 'the numbers of valid are optimistic: epoch and threshold were chosen there'


def rows(metrics):
    "The table under `HEADER`, a tuple of four texts for each metric; `metrics` as `results.evaluate` returns it."
    blocks = metrics['valid'], metrics['test']['at_threshold'], metrics['test']['at_0.5']
    return [(NAMES.get(m, m), *(number(block[m]) for block in blocks)) for m in METRICS]


def set_in_words(name, block):
    "One line on a split: how many images, of how many patients, with how much pneumonia."
    return f'{name}: n = {block["n"]} images of {block["patients"]} patients, {block["prevalence"]:.1%} with pneumonia'


def console_table(metrics, title='', synthetic=False):
    "The same rows as a `rich.table.Table`, 77 columns wide."
    title = f'{title} (synthetic data)'.strip() if synthetic else title
    table = Table(title=Text(title) if title else None, title_justify='left', caption_justify='left', box=SIMPLE_HEAD, show_edge=False,
                  pad_edge=False, collapse_padding=True, padding=(0, 1, 0, 0),
                  caption=Text('\n'.join([*(set_in_words(k, metrics[k]) for k in ('valid', 'test')),
                                          f'threshold {threshold_in_words(metrics)}', OPTIMISTIC])))
    for i, name in enumerate(HEADER): table.add_column(name, justify='right' if i else 'left')
    for row in rows(metrics): table.add_row(*map(Text, row))  # as Text, or rich takes [not defined] for markup
    return table


def as_text(run, metrics):
    "Title, table and sentences as plain text, to copy into a mail or a notebook."
    from io import StringIO

    from rich.console import Console
    Console(file=(out := StringIO()), width=80).print(console_table(metrics, run.title, run.synthetic))
    return '\n'.join([*(line.rstrip() for line in out.getvalue().splitlines()), '', *in_words(metrics), *also_in_words(metrics)])


def threshold_in_words(metrics): return f'{metrics["threshold"]["value"]:.4f} ({metrics["threshold"]["rule"]})'


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
    yield from calibration_in_words(metrics)
    yield from referral_in_words(metrics)
    yield from members_in_words(metrics)


def calibration_in_words(metrics):
    found = metrics['calibration']
    before, after = (found[k].get('ece') for k in ('before', 'after'))
    if before is not None:
        perfect = found['after']['ece_of_a_perfect_model']['mean']
        yield (f'Calibration by {found["chosen"]["method"].replace("_", " ")}, fitted on valid: the expected calibration error on test is '
               f'{before:.3f} before and {after:.3f} after; perfect probabilities would show about {perfect:.3f} on these images.')


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
