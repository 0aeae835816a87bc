"What a folder of labelled radiographs holds: one table, one row an image. Reads names and label files, neither pixels nor DICOM headers."
import difflib
import math
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ..errors import InputError
from .header import OLDEST, view_in
from .readers import PICTURES, SUFFIXES, Found, is_image, left_out, name_in, number, read_csv, rows_by, stem, visible, walk
from .rsna import rsna, rsna_labels

CLASSES = 'no pneumonia', 'pneumonia'     # label 0, 1
COLUMNS = ['path', 'label', 'person', 'split', 'view', 'age', 'sex', 'detail', 'boxes', 'name']
LAYOUTS = ("a manifest.csv (path,label and optionally person,split,view,age,sex,detail), RSNA's (stage_2_train_labels.csv and "
    "stage_2_train_images/), or class folders (NORMAL/ and PNEUMONIA/, also below train/, val/, test/)")
FEW = 100   # 50 + 50 images measure an AUC of 0.85 to a standard error of 0.04 (Hanley and McNeil 1982)
LABELS = {'0':0, 'normal':0, 'no pneumonia':0, 'negative':0, '1':1, 'pneumonia':1, 'positive':1}   # folders and manifests, as `plain`
SPLITS = {'train':'train', 'val':'valid', 'valid':'valid', 'validation':'valid', 'test':'test'}
KERMANY = re.compile(r'(person\d+)_(?:bacteria|virus)_|((?:NORMAL\d*-)?IM-\d+)-\d|(?:NORMAL|BACTERIA|VIRUS)-(\d+)-\d')


@dataclass
class Cohort:
    """`table` has COLUMNS, index 0..n-1, sorted by path: path (absolute), label (0, 1), person (None where a manifest has none),
    split ('train', 'valid', 'test', or None where the data set ships none), view, age (years, NaN unknown), sex, detail,
    boxes, a list of (x, y, width, height) in source pixels, and name, what the data set calls an image that has no person."""
    name:str                # the folder's name, or 'demo'
    layout:str              # 'RSNA', 'class folders' or 'manifest'
    table:pd.DataFrame
    rejected:pd.DataFrame   # columns path, reason
    notes:list[str] = field(default_factory=list)   # what a user must see before trusting a number, one line each
    synthetic:bool = False  # a file named SYNTHETIC lies in the folder


def read_cohort(
    data,  # a folder: RSNA's layout, class folders, or one with a manifest.csv; or a manifest's own path
    classes=2,  # how many must be there at least: 1 to look at it, 2 to train on it
) -> Cohort:
    "Raises InputError where `data` does not exist, has no known layout, or holds no images of both classes."
    place = Path(os.path.abspath(Path(data).expanduser()))
    if not place.exists(): raise InputError(not_there(place))
    layout, folder, found = read_layout(place) if place.is_dir() else read_manifest(place)
    table = by_path(found.rows, COLUMNS).astype({'label':int, 'age':float})
    rejected = by_path(found.rejected, ['path', 'reason'])
    check(table, rejected, place, classes)
    return Cohort(place.name if place.is_dir() else folder.name, layout, table, rejected, found.notes + more_notes(table, rejected),
                  (folder/'SYNTHETIC').exists())


def by_path(rows, columns): return pd.DataFrame(rows, columns=columns, dtype=object).sort_values('path', ignore_index=True)


def plain(text): return re.sub(r'[\s_-]+', ' ', text.strip().lower()).removesuffix('.0')


def not_there(place):
    parent = next(p for p in place.parents if p.is_dir())
    near = difflib.get_close_matches(place.relative_to(parent).parts[0], [p.name for p in visible(parent)], n=3)
    would = f"did you mean {' or '.join(str(parent/n) for n in near)}?" if near else 'give an existing folder or manifest'
    return f'{place} does not exist; {would}'


def images_in(
    place,  # an image file, which is taken whatever it is called, or a folder
) -> tuple[list[str], int]:
    "The paths of the images in a file or folder, sorted, and how many other files it has. Raises InputError where there is none."
    place = Path(os.path.abspath(Path(place).expanduser()))
    if not place.exists(): raise InputError(not_there(place))
    files = [place] if place.is_file() else sorted(walk(place))
    images = [str(p) for p in files if p == place or is_image(p)]
    if not images: raise InputError(f"{place} holds no image: images are {', '.join(SUFFIXES)}")
    return images, len(files) - len(images)


def read_manifest(csv):
    if csv.suffix.lower() != '.csv': raise InputError(f'{csv} is neither a folder nor a .csv manifest: give one of them')
    return 'manifest', csv.parent, manifest(csv)


def read_layout(folder):
    "(layout, the folder it was found in, Found). Looks into a lone subfolder, as unpacked archives have one."
    if (csv := folder/'manifest.csv').is_file(): return read_manifest(csv)
    if labels := rsna_labels(folder): return 'RSNA', folder, rsna(folder, labels)
    if groups := class_groups(folder): return 'class folders', folder, class_folders(folder, groups)
    inside = visible(folder)
    if len(inside) == 1 and inside[0].is_dir(): return read_layout(inside[0])
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


def class_groups(folder):
    "(split or None, label, class folder) of each class folder here; where there is none, of those in the split folders here."
    def classes(inside): return [(LABELS[plain(p.name)], p) for p in visible(inside) if p.is_dir() and plain(p.name) in LABELS]
    if here := [(None, *c) for c in classes(folder)]: return here
    return [(SPLITS[plain(s.name)], *c) for s in visible(folder) if s.is_dir() and plain(s.name) in SPLITS for c in classes(s)]


def kermany_person(name):
    "The person in a file name of Kermany et al. 2018, in Kaggle's form or Mendeley's (disease-person-image); None in any other."
    match = KERMANY.match(name)
    return match and next(filter(None, match.groups()))


def class_folders(folder, groups):
    found, other, alone = Found(), 0, 0
    shipped = len({split for split, _, _ in groups}) > 1     # a lone train folder is no split
    for split, label, inside in groups:
        for path in walk(inside):
            if not is_image(path):
                other += 1
                continue
            person = None    # of a DICOM the header tells
            if path.suffix.lower() in PICTURES:
                person = kermany_person(path.name)
                alone += person is None
                person = person or (path.parent/stem(path)).relative_to(folder).as_posix()     # two classes' 1.png are two persons
            found.add(path, label, person, split=split if shipped else None, name=None if person else name_in(path, folder))
    taken = {inside for _, _, inside in groups}
    parents = {p.parent for p in taken}
    beside = {p for parent in {folder, *parents} for p in visible(parent)} - taken - parents
    left_out(found, sorted(p for p in beside if p.is_dir()))
    found.note(other, f"files in class folders left out: images are {', '.join(SUFFIXES)}")
    found.note(sum(p.is_file() and is_image(p) for p in beside), 'images lie in no class folder: left out')
    found.note(alone, 'images whose name does not tell the person: each counts as its own, so images of one person may cross splits')
    return found


def manifest(csv):
    "A table: path (relative to its folder) and label; optionally person, split, view, age (0 to 120 years), sex, detail."
    found = Found()
    table = read_csv(csv, ['path', 'label'], ['person', 'split', 'view', 'age', 'sex', 'detail'])
    if unknown := sorted(set(table.split.map(plain)) - {'', *SPLITS}):
        raise InputError(f"{csv}: split {', '.join(map(repr, unknown))} is unknown; there are: {', '.join(SPLITS)}, or blank")
    table['written'] = table.path
    table['path'] = [os.path.abspath(csv.parent/path) if path else '' for path in table.path]
    groups, ages = rows_by(table, 'path'), 0
    for path, rows in groups.items():
        if reason := manifest_reason(path, rows):
            found.reject(path, reason)
            continue
        first, age = rows[0], years(rows[0].age)
        ages += bool(first.age) and math.isnan(age)
        found.add(path, LABELS[plain(first.label)], first.person or None, split=SPLITS.get(plain(first.split)), view=view_in(first.view),
                  age=age, sex=first.sex or None, detail=first.detail or None,
                  name=None if first.person else name_in(path, csv.parent, first.written))
    found.note(len(table) - len(groups), f'rows of {csv.name} repeat a path')
    splits, alone = [r['split'] for r in found.rows], sum(r['person'] is None for r in found.rows)
    found.note(alone, f'images have no person in {csv.name}: its column person is what keeps a person in one split')
    if any(splits): found.note(splits.count(None), f'images have no split in {csv.name}')
    found.note(ages, f'ages in {csv.name} are no years from 0 to {OLDEST}: taken as unknown')
    return found


def years(said):
    "An age, with its Y or without; NaN where no one has it."
    age = number(said.upper().removesuffix('Y'))
    return age if 0 <= age <= OLDEST else math.nan


def manifest_reason(path, rows):
    "Why the image that these rows name cannot be used, or None."
    if not path: return 'no path'
    unknown = [r.label for r in rows if plain(r.label) not in LABELS]
    if unknown: return f"label {unknown[0]!r} is none of {', '.join(LABELS)}"
    if len({LABELS[plain(r.label)] for r in rows}) > 1: return 'different labels'
    if len({(r.person, SPLITS.get(plain(r.split))) for r in rows}) > 1: return 'different persons or splits'
    if not os.path.isfile(path): return 'no such file'
    if not is_image(Path(path)): return 'no image'
