"The figure page of an audit: what there is, what its order and its surroundings tell of the label, and examples of what is wrong."
import textwrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...ages import OLDEST
from ...evaluation.shortcut import TOGETHER
from .style import BLUE, GREY, ORANGE, RED

CLASSES = ('no pneumonia', BLUE), ('pneumonia', ORANGE)
MOST = 6    # values of a header field that are drawn; the rest are in the table
NOTES, WIDTH = 5, 165   # lines under the heading, letters in one


def audit_page(
    found,     # as `data.audit.findings` returns it, with `shortcut`
    table,     # label and age of each image
    pictures,  # pairs and bars: (title, image) of up to six each, or none
) -> Figure:
    "One page, 13 inches wide; a row of examples is there only where there is an example."
    lines, shown = heading_lines(found), [name for name in ('pairs', 'bars') if pictures[name]]
    heights = [.75 + .22*len(lines), 3.7, 4, *(3.1 for _ in shown)]
    fig = Figure(figsize=(13, sum(heights)), layout='constrained')
    parts = fig.subfigures(len(heights), 1, height_ratios=heights, squeeze=False).ravel()
    heading(parts[0], found, lines, heights[0])
    what_there_is(parts[1], found, table)
    along, told = parts[2].subplots(1, 2, width_ratios=[1, 1.1])
    order(along, found)
    shortcuts(told, found['shortcut'])
    for part, name in zip(parts[3:], shown, strict=True): strip(part, dict(pairs=pairs, bars=bars)[name](found), pictures[name])
    return fig


def heading_lines(found):
    d, b, rejected = found['duplicates'], found['borders'], found['rejected']
    lines = [f'{found["images"]:,} images of {found["patients"]:,} patients, {found["prevalence"]:.1%} labelled pneumonia. Rejected files: '
             f'{rejected["files"]:,}. Pairs of duplicates: {d["pairs"]:,}. Constant images: {len(b["constant"]):,}.',
             'For research and education, not for diagnosis.']
    notes = [line for note in found['notes'] for line in textwrap.wrap(f'Note: {note}', WIDTH)]
    return lines + (notes if len(notes) <= NOTES else [*notes[:NOTES - 1], '... and more notes in the .json'])


def heading(part, found, lines, height):
    part.text(.01, 1 - .1/height, f'{found["data"]}: what there is before anything is trained', fontsize=17, fontweight='bold', va='top',
              parse_math=False)
    part.text(.01, 1 - .55/height, '\n'.join(lines), fontsize=10.5, va='top', color='#333333', linespacing=1.35, parse_math=False)
    if found['synthetic']: part.text(.99, 1 - .1/height, 'synthetic data', fontsize=16, fontweight='bold', color=RED, ha='right', va='top')


def what_there_is(part, found, table):
    "Class by view, age by class where any is stated, images a patient."
    stated = table[table.age <= OLDEST]
    axes = part.subplots(1, 3 if len(stated) else 2)
    stacked(axes[0], found['counts']['view'])
    if len(stated): age_by_class(axes[1], stated)
    patients(axes[-1], found['patients_by_images'])


def stacked(ax, counts):
    names = sorted(counts, key=lambda name: -counts[name]['images'])[:MOST]
    high = np.array([counts[name]['pneumonia'] for name in names])
    low = np.array([counts[name]['images'] for name in names]) - high
    for bottom, height, (label, color) in ((0*low, low, CLASSES[0]), (low, high, CLASSES[1])):
        ax.bar(names, height, bottom=bottom, color=color, label=label, width=.5)
    for i, name in enumerate(names):
        ax.text(i, low[i] + high[i], f'{counts[name]["prevalence"]:.0%} of {low[i] + high[i]:,}', ha='center', va='bottom', fontsize=9)
    alone = names == ['not stated']
    ax.set(title='Images by class (no image states its view)' if alone else 'Images by view, and share with pneumonia', ylabel='images',
           ylim=(0, 1.27*(low + high).max()), xlim=(-.7, len(names) - .3))
    ax.set_xticks(range(len(names)), ['all'] if alone else names)
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.legend(loc='upper center', fontsize=9, ncols=2, frameon=False)


def age_by_class(ax, table):
    top = table.age.max()
    edges = np.arange(0, 5*(top//5) + 6, 5) if top >= 18 else np.arange(0, top + 2)
    for k, (label, color) in enumerate(CLASSES):
        ages = table.age[table.label == k]
        if ages.empty: continue
        ax.hist(ages, edges, density=True, histtype='stepfilled', alpha=.3, color=color)
        ax.hist(ages, edges, density=True, histtype='step', color=color, lw=1.6, label=f'{label}, median {ages.median():.0f}')
    ax.set(title=f'Age by class ({len(table):,} images state it)', xlabel='years', ylabel='share of the class', yticks=[])
    ax.set_ylim(0, 1.3*ax.get_ylim()[1])
    ax.legend(loc='upper right', fontsize=9, frameon=False)


def patients(ax, found):
    names, counts = zip(*found['images_a_patient'].items(), strict=True)
    ax.bar(names, counts, color=GREY, width=.5)
    for i, n in enumerate(counts): ax.text(i, n, f'{n:,}', ha='center', va='bottom', fontsize=9)
    ax.set(title=f'Images a patient ({found["of_both_classes"]:,} patients of both classes)', ylabel='patients', ylim=(0, 1.12*max(counts)))
    ax.set_xticks(range(len(names)), [name.replace(' to ', '-').replace(' or more', '+') for name in names])
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))


def order(ax, found):
    slices, p = found['order'], found['prevalence']
    ax.set_title('Prevalence along the sorted file names')
    if not slices:
        ax.set(xticks=[], yticks=[])
        ax.text(.5, .5, f'{found["images"]:,} images are too few to cut into slices', ha='center', color=GREY, transform=ax.transAxes)
        return
    n, x = np.array([s['images'] for s in slices]), 100*(np.arange(len(slices)) + .5)/len(slices)
    chance = 1.96*np.sqrt(p*(1 - p)/n.mean())
    ax.axhspan(100*max(p - chance, 0), 100*min(p + chance, 1), color=GREY, alpha=.2, lw=0, label='95% of slices, were it chance')
    ax.axhline(100*p, color=GREY, ls='--', lw=1.2, label=f'all images: {p:.1%}')
    ax.plot(x, [100*s['prevalence'] for s in slices], 'o-', color=BLUE, ms=5, label=f'{len(slices)} slices of {n.min()} images')
    ax.set(xlabel='place in the sorted names (%)', ylabel='pneumonia (%)', ylim=(-4, 124), xlim=(0, 100), yticks=range(0, 101, 20))
    ax.grid(alpha=.25)
    ax.legend(loc='upper left', fontsize=9, frameon=False, ncols=2)


def shortcuts(ax, found):
    "One line a group; what stands below 'all of the above' is no part of it."
    names, one = list(found)[::-1], found[TOGETHER]
    left = np.floor(10*min(.4, *(o['low'] for o in found.values() if o['low'] is not None), 1))/10
    for i, name in enumerate(names): shortcut(ax, i, found[name], RED if name == TOGETHER else BLUE, left)
    ax.axvline(.5, color=GREY, ls='--', lw=1.2, zorder=0)
    ax.axhline(names.index(TOGETHER) - .5, color=GREY, lw=.8)
    ax.set(title='Shortcut test: AUROC without a look at the lungs', yticks=range(len(names)), yticklabels=names,
           xlim=(left, 1 + .53*(1 - left)), ylim=(-.6, len(names) - .4), xticks=np.arange(left, 1.01, .1),
           xlabel='AUROC and 95% interval, cross-validated by patient; dashed: chance\n'
                  f'n = {one["n"]:,} images of {one["patients"]:,} patients')
    ax.grid(alpha=.25, axis='x')


def shortcut(ax, i, one, color, left):
    if one['value'] is None:
        box = dict(fc='white', ec='none', pad=1.5)
        ax.text(left + .02, i, f'not defined: {one["reason"]}', va='center', fontsize=9, color=GREY, bbox=box)
        return
    if one['low'] is not None: ax.plot([one['low'], one['high']], [i, i], color=color, lw=2.2, solid_capstyle='butt')
    ax.plot(one['value'], i, 'o', color=color, ms=7)
    interval = 'no interval' if one['low'] is None else f'{one["low"]:.2f}, {one["high"]:.2f}'
    ax.text(1.04, i, f'{one["value"]:.3f} [{interval}]', va='center', fontsize=9.5, color=color)


def strip(part, title, shown, columns=6):
    "Images side by side under one title, each with its own."
    part.suptitle(title, fontsize=12, ha='left', x=.01)
    axes = part.subplots(1, columns)
    for ax in axes: ax.set_axis_off()
    for ax, (text, image) in zip(axes, shown, strict=False):
        ax.imshow(image, cmap='gray', vmin=0, vmax=255)
        ax.set_title(text, fontsize=8, parse_math=False, loc='left')


def pairs(found):
    d = found['duplicates']
    splits = 'splits not known' if d['across_splits'] is None else f'across splits {d["across_splits"]:,}'
    return (f'Duplicates, two by two. Pairs: {d["pairs"]:,} (across labels {d["across_labels"]:,}, {splits}, across patients '
            f'{d["across_patients"]:,}), of {d["images"]:,} images')


def bars(found):
    b = found['borders']
    by = ', '.join(f'{share:.1%} of {name}' for name, share in b['bar_share_by_class'].items())
    return f'A bar of one tone along a side (a border, or air beside the patient): {by}. The widest of {b["bar"]:,}'
