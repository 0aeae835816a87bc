"The section on what labelled patients of another place are worth to a run that was adapted to them."
from ...evaluation.adaptation import WORDS
from ...evaluation.draws import AFTER, BEFORE, BLIND, SHARE
from ..registry import ADAPTED, section
from ..templating import sentences

HEADER = 'patients', 'log-loss', 'ECE', 'sensitivity', 'specificity'
AIMS = dict(youden='Youden\u2019s index', cost='the least expected cost', sensitivity='a sensitivity of {}',
            specificity='a specificity of {}')


def asked(metrics):
    "The row of as many patients as the run was adapted to."
    n = metrics['valid']['patients']
    return next(row for row in metrics['adaptation']['sizes'] if row['n'] == n)


def aim(metrics):
    "What the rule of the threshold aims at, in words."
    choices = metrics['choices']
    return AIMS[choices['rule']].format(f'{choices.get(choices["rule"]):.3g}' if choices['rule'] in choices else '')


def in_words(metrics):
    "What the patients that were drawn came to, and what so many are worth, a sentence each."
    here, at = metrics['adaptation'], dict(before=metrics['adaptation']['before'], after=metrics['test']['at_threshold'])
    return sentences('words/adapted', metrics=metrics, here=here, at=at, kept=WORDS[here['kept']], aim=aim(metrics), row=asked(metrics),
                     calibration=metrics['calibration'], after=AFTER, blind=BLIND, share=SHARE)


def pair(row, name, digits=3): return ' \u2192 '.join(f'{row[way][name]["mean"]:.{digits}f}' for way in (BEFORE, AFTER))


def on_screen(metrics):
    "Header and rows: by number of patients, before and after."
    return list(HEADER), [(f'{row["n"]}', *(pair(row, m) for m in ('log_loss', 'ece', 'sensitivity', 'specificity')))
                          for row in metrics['adaptation']['sizes']]


def change(row, name, way=AFTER):
    found = row['change'][way][name]
    spread = '' if found['sd'] is None else f' \u00b1 {found["sd"]:.3f}'
    return f'{found["mean"]:+z.3f}{spread}, lower in {found["better"]:.0%}: {found["says"]}'


def mean(found, digits=3):
    return f'{found["mean"]:.{digits}f} ({found["low"]:.{digits}f} to {found["high"]:.{digits}f})'


@section('adapted', 'What labelled patients there are worth', 35, on=ADAPTED)
def adapted(page, run, metrics):
    sizes = metrics['adaptation']['sizes']
    rows = [(row['n'], f'{row["images"]:.0f}', *(f'{row[BEFORE][m]["mean"]:.3f} \u2192 {mean(row[AFTER][m])}' for m in
             ('log_loss', 'ece', 'sensitivity', 'specificity'))) for row in sizes]
    changes = [(row['n'], *(change(row, m) for m in ('log_loss', 'ece', 'off'))) for row in sizes]
    shares = [(row['n'], f'{row["prevalence"]["true"]["mean"]:.1%}', *(said(row['prevalence'][k]) for k in (SHARE, BLIND)),
               *(change(row, 'log_loss', k) for k in (SHARE, BLIND))) for row in sizes]
    kept = [(row['n'], ', '.join(f'{name} {n}' for name, n in row['kept'].items())) for row in sizes]
    return dict(said=in_words(metrics), rows=rows, changes=changes, shares=shares, kept=kept, aim=aim(metrics), words=WORDS)


def said(found): return '{mean:.1%} ({low:.1%} to {high:.1%})'.format(**found)
