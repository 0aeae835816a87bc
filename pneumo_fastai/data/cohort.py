"What a folder of labelled radiographs holds: one table, one row an image. Reads names and label files, neither pixels nor DICOM headers."
import difflib
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ..errors import InputError
from . import CLASSES
from .layouts.class_folders import class_folders, class_groups
from .layouts.common import LINKED, SUFFIXES, Found, enter, files, reading, visible
from .layouts.manifest import manifest
from .layouts.rsna import rsna, rsna_labels

COLUMNS = ['path', 'label', 'patient', 'split', 'view', 'age', 'sex', 'detail', 'boxes', 'name']
LAYOUTS = ("a manifest.csv (path,label and optionally patient,split,view,age,sex,detail), RSNA's (stage_2_train_labels.csv and "
    "stage_2_train_images/), or class folders (NORMAL/ and PNEUMONIA/, also below train/, val/, test/)")
FEW = 100   # 50 + 50 images measure an AUC of 0.85 to a standard error of 0.04 (Hanley and McNeil 1982)


@dataclass
class Cohort:
    """`table` has COLUMNS, index 0..n-1, sorted by path: path (absolute), label (0, 1), patient (None where a manifest has none),
    split ('train', 'valid', 'test', or None where the data set ships none), view, age (years, NaN unknown), sex, detail,
    boxes, a list of (x, y, width, height) in source pixels, and name, what the data set calls an image that has no patient."""
    name:str                # the folder's name, or 'demo'
    layout:str              # 'RSNA', 'class folders' or 'manifest'
    table:pd.DataFrame
    rejected:pd.DataFrame   # columns path, reason
    notes:list[str] = field(default_factory=list)   # what a user must see before trusting a number, one line each
    synthetic:bool = False  # a file named SYNTHETIC lies in the folder


@reading()
def read_cohort(
    data,  # a folder: RSNA's layout, class folders, or one with a manifest.csv; or a manifest's own path
    classes=2,  # how many must be there at least: 1 to look at it, 2 to train on it
) -> Cohort:
    "Raises InputError where `data` does not exist, has no known layout, or holds no images of both classes."
    place = Path(os.path.abspath(Path(data).expanduser()))
    if not place.exists(): raise InputError(not_there(place, 'folder or manifest'))
    found = Found()
    layout, folder = read_layout(place, found) if place.is_dir() else read_manifest(place, found)
    found.note(found.closed, "entries that cannot be read and have no image's name: left out")
    table = by_path(found.rows, COLUMNS).astype({'label':int, 'age':float})
    rejected = by_path(list(found.rejected.items()), ['path', 'reason'])
    check(table, rejected, place, classes)
    return Cohort(place.name if place.is_dir() else folder.name, layout, table, rejected, found.notes + more_notes(table, rejected),
                  (folder/'SYNTHETIC').exists())


def by_path(rows, columns): return pd.DataFrame(rows, columns=columns, dtype=object).sort_values('path', ignore_index=True)


def not_there(
    place,
    what,  # of which an existing one would do
):
    parent = next(p for p in place.parents if p.is_dir())
    name = place.relative_to(parent).parts[0]
    near = difflib.get_close_matches(name, [p.name for p in visible(parent) if p.name != name], n=3)  # itself: a link to nothing
    would = f"did you mean {' or '.join(str(parent/n) for n in near)}?" if near else f'give an existing {what}'
    return f'{place} does not exist; {would}'


@reading()
def images_in(
    place,  # an image file, which is taken whatever it is called, or a folder
) -> tuple[list[str], int]:
    """The paths of the images in a file or folder, sorted, and how many other files it has. What looks like an image and cannot be read
    is among them, for the decoder to say why. Raises InputError where there is none."""
    place = Path(os.path.abspath(Path(place).expanduser()))
    if not place.exists(): raise InputError(not_there(place, 'image file or folder'))
    if not place.is_dir(): return [str(place)], 0
    visible(place)      # raises where nothing can be seen at all
    enter([place], found := Found())
    kinds = dict(files(place, found))
    unread = [Path(p) for p, reason in found.rejected.items() if reason != LINKED]
    images = [str(p) for p in sorted([*(p for p in kinds if kinds[p]), *unread])]
    if not images: raise InputError(f"{place} holds no image: images are {', '.join(SUFFIXES)}")
    return images, len(kinds) - sum(kinds.values()) + found.closed


def read_manifest(csv, found):
    if csv.suffix.lower() != '.csv' or not csv.is_file():
        raise InputError(f'{csv} is neither a folder nor a .csv manifest: give one of them')
    manifest(csv, found)
    return 'manifest', csv.parent


def read_layout(folder, found):
    "(layout, the folder it was found in). Looks into a lone subfolder, as unpacked archives have one."
    if (csv := folder/'manifest.csv').is_file(): return read_manifest(csv, found)
    if labels := rsna_labels(folder):
        rsna(folder, labels, found)
        return 'RSNA', folder
    if groups := class_groups(folder, found):
        class_folders(folder, groups, found)
        return 'class folders', folder
    inside = visible(folder)
    if len(inside) == 1 and os.path.isdir(inside[0]): return read_layout(inside[0], found)
    if not inside: raise InputError(f'{folder} is empty: put into it {LAYOUTS}')
    raise InputError(f"{folder} has no known layout, it holds {', '.join(p.name for p in inside[:5])}{', ...' if len(inside) > 5 else ''}: "
                     f'understood are {LAYOUTS}')


def check(table, rejected, place, classes=2):
    if table.empty:
        why = f"images are {', '.join(SUFFIXES)}"
        if len(rejected): why += f'; {len(rejected)} were rejected, the first {rejected.path[0]}: {rejected.reason[0]}'
        raise InputError(f'{place} holds no image that can be used: {why}')
    if table.label.nunique() < classes:
        have, lack = CLASSES[table.label[0]], CLASSES[1 - table.label[0]]
        raise InputError(f'{place} holds {len(table)} images, all of class {have!r}: add images of class {lack!r}')


def more_notes(table, rejected):
    notes = []
    reasons = ', '.join(f'{n} {reason}' for reason, n in Counter(rejected.reason).most_common(5))
    if reasons: notes.append(f'{len(rejected)} rejected: {reasons}')
    sizes = table.split.value_counts()
    return notes + [f'the shipped {split} split has only {n} images: numbers on it are mostly chance; without it one is cut from train'
                    for split, n in sizes.items() if split != 'train' and n < FEW]
