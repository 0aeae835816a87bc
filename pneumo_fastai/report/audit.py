"The audit of a data set: everything that is looked at, its figure and JSON file, and the findings on the screen."
import json

from ..screen import bar, console, note, table
from ..writing import write
from .labels import number


def audited(
    data, experiment,  # which images, and their size and splits
    out, file,         # where the figure and the findings are written
    cache=None,
):
    "Look at a data set with progress on the screen, write what is found, and return it and the cohort, prepared."
    with bar('reading the cohort') as tick:
        from ..data.audit import ready  # within the bar: pandas takes its time
        from ..data.prepare import find_cohort
        cohort = find_cohort(data, cache, tick, classes=1)
    with bar('decoding images') as tick: cohort = ready(cohort, experiment, cache, tick)
    found, pictures = looked_at(cohort, experiment.aspect)
    write(file, json.dumps(found, indent=1))
    with bar('drawing'):
        from .figures.audit import audit_page
        from .figures.style import save
        save(audit_page(found, cohort.table, pictures), out)
    return found, cohort


def looked_at(cohort, aspect):
    "The findings, and what the figure shows of duplicates and borders as (title, images)."
    from ..data import audit as look
    from ..data.borders import looks
    from ..data.duplicates import duplicate_pairs
    from ..evaluation.shortcut import shortcut_test
    paths = cohort.table.path.tolist()
    with bar('borders') as tick: seen = looks(cohort.pixels, paths, aspect, tick)
    with bar('duplicates') as tick: pairs = duplicate_pairs(cohort.pixels, paths, aspect, tick)
    found = look.findings(cohort, seen, pairs)
    with bar('shortcut test') as tick:
        table, groups = look.features(cohort, seen)
        found['shortcut'] = shortcut_test(table, groups, apart=['place in sorted names'], tick=tick)
    return found, look.pictures(cohort, found)


def show(found):
    "The findings as tables and lines, the shortcut test last."
    show_counts(found)
    console.print(f'patients: {found["patients"]:,}, with up to {found["patients_by_images"]["most"]} images each; '
                  f'{found["patients_by_images"]["of_both_classes"]:,} have images of both classes')
    show_rejected(found['rejected'])
    show_duplicates(found['duplicates'])
    show_borders(found['borders'])
    show_order(found['order'], found['prevalence'])
    show_shortcut(found['shortcut'])
    for text in found['notes']: note(text)


def show_counts(found):
    synthetic = ', synthetic: drawn by a program, no patient\'s' if found['synthetic'] else ''
    blank = [name for name, values in found['counts'].items() if list(values) == ['not stated']]
    rows = [('all', found), *((f'{name}: {value}', r) for name, values in found['counts'].items() if name not in blank
                              for value, r in values.items())]
    table(f'{found["data"]} ({found["layout"]}{synthetic})', ['', 'images', 'patients', 'pneumonia', 'prevalence'],
          [(name, f'{r["images"]:,}', f'{r["patients"]:,}', f'{r["pneumonia"]:,}', f'{r["prevalence"]:.1%}') for name, r in rows])
    if blank: console.print(f'not stated in any image: {", ".join(blank)}')


def show_rejected(rejected, most=5):
    reasons = ': ' + ', '.join(f'{n} {reason}' for reason, n in rejected['reasons'].items()) if rejected['files'] else ''
    console.print(f'rejected: {rejected["files"]:,} files{reasons}', soft_wrap=True, markup=False)
    for one in rejected['list'][:most]: console.print(f'  {one["path"]}: {one["reason"]}', soft_wrap=True, markup=False)


def show_duplicates(found, most=5):
    splits = 'across splits not told, there being none' if found['across_splits'] is None else f'{found["across_splits"]:,} across splits'
    console.print(f'duplicates: {found["pairs"]:,} pairs among {found["images"]:,} images, {found["identical"]:,} with the same pixels; '
                  f'{found["across_labels"]:,} across labels, {splits}, {found["across_patients"]:,} across patients')
    for o in found['list'][:most]:
        marks = ', '.join(k.replace('_', ' ') for k in ('across_labels', 'across_splits', 'across_patients') if o[k])
        console.print(f'  {o["correlation"]:.3f} {o["a"]} {o["b"]} {marks}', soft_wrap=True, markup=False)


def show_borders(found):
    by = ', '.join(f'{share:.1%} of {name}' for name, share in found['bar_share_by_class'].items())
    tones = ', '.join(f'{n} {tone}' for tone, n in found['bar_by_tone'].items() if n)
    console.print(f'bars of one tone along a side: {found["bar"]:,} images ({by}){": " if tones else ""}{tones}')
    console.print(f'constant: {len(found["constant"])} images; more than a quarter of the pixels black or white: {len(found["saturated"])}')
    for path in found['constant'][:5]: console.print(f'  constant: {path}', soft_wrap=True, markup=False)


def show_order(slices, prevalence):
    shares = [s['prevalence'] for s in slices]
    console.print(f'order: prevalence runs from {min(shares):.1%} to {max(shares):.1%} over {len(slices)} slices of the sorted file names, '
                  f'{prevalence:.1%} in all' if slices else 'order: not told, there being too few images for two slices')


def show_shortcut(found):
    table('shortcut test: AUROC without a look at the lungs', ['from', 'AUROC [95% interval]', 'images', 'stated', 'patients'],
          [(name, number(o), f'{o["n"]:,}', f'{o["stated"]:,}', f'{o["patients"]:,}') for name, o in found.items()])
    for reason in dict.fromkeys(o['reason'] for o in found.values() if o['reason']):
        names = [name for name, o in found.items() if o['reason'] == reason]
        console.print(f'not defined: {", ".join(names) if len(names) < len(found) else "all"}, because {reason}', soft_wrap=True)
    console.print('Cross-validated by patient; 0.5 is chance. A model that scores no better than "all of the above" may have learnt no '
                  'more.\nNo network sees a file\'s name; a split by order would.', soft_wrap=True)
