"What the numbers of a run say, in sentences, and the table of results on the terminal."
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from ..evaluation.metrics import METRICS
from .labels import NAMES, number
from .templating import sentences

HEADER = ('metric', 'valid at threshold', 'test at threshold', 'test at 0.5')

OPTIMISTIC = 'the numbers of valid are optimistic: {} and threshold were chosen there'


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
                                          f'threshold {threshold_in_words(metrics)}',
                                          OPTIMISTIC.format('calibrator' if 'adaptation' in metrics else 'epoch')])))
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
    base, within = metrics['baseline'], (metrics['subgroups'].get('by', {}).get('view') or {}).get('within')
    return sentences('words/results', where=where, at=metrics['test']['at_threshold'], base=base,
                     beside=beside_view(base['view'], within) if 'view' in base else '')


def beside_view(
    view,    # of `metrics['baseline']`
    within,  # the model's AUROC over pairs of images of one view; None where not measured
):
    "How well the view alone tells the label, and how well the model does where the view cannot."
    return sentences('words/view', view=view, within=within)[0]


def also_in_words(metrics):
    "Calibration and what is gained by giving the uncertain images away, a sentence each; none where undefined."
    return [*calibration_in_words(metrics), *referral_in_words(metrics), *members_in_words(metrics)]


def calibration_in_words(metrics):
    found = metrics['calibration']
    return sentences('words/calibration', before=found['before'].get('ece'), after=found['after'].get('ece'),
                     method=found.get('kept', found['chosen']['method']),
                     perfect=found['after'].get('ece_of_a_perfect_model', {}).get('mean'))


def referral_in_words(metrics): return sentences('words/referral', cuts=metrics['uncertainty']['referral'])


def members_in_words(metrics):
    "What several predictions of each image are good for, a sentence for the copies and one for the networks."
    whose = dict(augmentation=('copies', 'changed copies of each image', 'to the image as it is'),
                 ensemble=('networks', 'networks', 'to the networks one by one, on average'))
    for source, (short, what, to) in whose.items():
        found = metrics['uncertainty'].get(source, dict(members=0))
        if found['members'] > 1: yield from sentences('words/members', found=found, short=short, what=what, to=to)
