"What every reader of labelled data sets uses, and the reader of RSNA's layout: names and label tables -> rows, refused files, notes."
import fnmatch
import json
import math
import os
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ..errors import InputError

PICTURES = '.png', '.jpg', '.jpeg'
SUFFIXES = '.dcm', '.dicom', '.png', '.jpg', '.jpeg'          # of copies of one RSNA image the first is taken
JUNK = 'thumbs.db', 'desktop.ini', '__macosx'
DETAILS = {'Lung Opacity':1, 'No Lung Opacity / Not Normal':0, 'Normal':0}
MAPPING = 'pneumonia-challenge-dataset-mappings_2018.json'
NO_MAPPING = (f"RSNA's patientId names an image, not a person: about 11,400 people stand behind the 26,684 images, so a random split puts "
    f"about 70% of validation images on people also in training and numbers come out too good; put {MAPPING} into the folder, from "
    "https://www.rsna.org/rsnai/ai-image-challenge/rsna-pneumonia-detection-challenge-2018")

NO_BOXES = []  # one for all images without: a million empty lists take 56 MB


@dataclass
class Found:
    "What a reader collects: `rows` as dicts of a cohort's columns, `rejected` as (path, reason), `notes` as lines."
    rows:list = field(default_factory=list)
    rejected:list = field(default_factory=list)
    notes:list = field(default_factory=list)

    def add(self, path, label, person, *, split=None, view=None, age=math.nan, sex=None, detail=None, boxes=(), name=None):
        if (legible := str(path).encode(errors='backslashreplace').decode()) != str(path):
            return self.reject(legible, 'its name is not UTF-8')
        self.rows.append(dict(path=str(path), label=label, person=person, split=split, view=view, age=age, sex=sex, detail=detail,
                              boxes=list(boxes) or NO_BOXES, name=name))

    def reject(self, path, reason): self.rejected.append((str(path), reason))

    def note(self, n, text):
        if n: self.notes.append(f'{n} {text}')


def visible(folder):
    return sorted(p for p in folder.iterdir() if not p.name.startswith('.') and p.name.lower() not in JUNK)


def walk(folder):
    for path in visible(folder):
        if path.is_dir(): yield from walk(path)
        else: yield path


def is_image(path):
    "A known extension; or none, and DICOM's mark at byte 128 (PS3.10 7.1). The last number of a UID is no extension."
    suffix = path.suffix.lower()
    if suffix in SUFFIXES: return True
    if suffix and not suffix[1:].isdigit(): return False
    with path.open('rb') as file: return file.read(132)[128:] == b'DICM'


def name_in(
    path,        # absolute
    folder,      # the data set's
    written='',  # how a manifest gives the path
):
    "What the data set calls an image, wherever it lies itself: its path from `folder`; of one outside, given absolutely, that path."
    relative = Path(os.path.relpath(path, folder)).as_posix()
    return path if os.path.isabs(written) and relative.startswith('../') else relative


def stem(path): return path.stem if path.suffix.lower() in SUFFIXES else path.name


def read_csv(
    path,
    needed,         # columns that must be there, in any case
    optional=(),    # columns made blank where they are not
):
    "Table of stripped strings, '' where blank; `,` or `;` between fields. Raises InputError where it cannot be read or lacks a column."
    try:
        with path.open(encoding='utf-8-sig') as file: header = file.readline()
        sep = ';' if header.count(';') > header.count(',') else ','
        with warnings.catch_warnings(action='error', category=pd.errors.ParserWarning):     # a row longer than the header
            table = pd.read_csv(path, sep=sep, dtype=str, keep_default_na=False, na_values=['nan', 'NaN', 'NA', 'N/A', 'None', 'null'],
                                encoding='utf-8-sig', index_col=False)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, pd.errors.ParserWarning, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a table ({' '.join(str(error).split())}): save it as CSV in UTF-8") from error
    names = {name.lower(): name for name in [*needed, *optional]}
    table.columns = [names.get(c.strip().lower(), c.strip()) for c in table.columns]
    if not table.columns.is_unique: raise InputError(f"{path} has a column twice among {', '.join(table.columns)}: leave one")
    if lacking := [c for c in needed if c not in table]:
        raise InputError(f"{path} lacks {', '.join(lacking)}: it has {', '.join(table.columns)}, and needs {', '.join(needed)}")
    return table.reindex(columns=[*needed, *optional], fill_value='').fillna('').apply(lambda column: column.str.strip())


def number(text):
    "NaN where `text` is no finite number; a decimal comma is understood."
    try: value = float(text.replace(',', '.'))
    except ValueError: return math.nan
    return value if math.isfinite(value) else math.nan


def rows_by(table, column):
    "Row tuples gathered by `column`, keeping their order."
    groups = {}
    for row in table.itertuples(index=False): groups.setdefault(getattr(row, column), []).append(row)
    return groups


def left_out(found, folders):
    counts = {p.name: sum(map(is_image, walk(p))) for p in folders}
    if counts: found.notes.append('folders left out: ' + ', '.join(f'{name} ({n} images)' for name, n in counts.items()))


# RSNA Pneumonia Detection Challenge 2018, as Kaggle ships it

def the_one(folder, name, pattern, kind=Path.is_file):
    "The entry called `name`, or else the only one like `pattern`, or None."
    like = [p for p in visible(folder) if kind(p) and fnmatch.fnmatch(p.name.lower(), pattern)]
    if folder/name in like: return folder/name
    if len(like) > 1: raise InputError(f"{folder} holds several {pattern}: {', '.join(p.name for p in like)}; leave one, or call it {name}")
    return like[0] if like else None


def rsna_labels(folder): return the_one(folder, 'stage_2_train_labels.csv', '*train_labels*.csv')


def rsna(folder, labels):
    table, found = read_csv(labels, ['patientId', 'x', 'y', 'width', 'height', 'Target']), Found()
    place = the_one(folder, 'stage_2_train_images', '*train_images*', Path.is_dir) or folder
    images, patients = rsna_images(place, found), rows_by(table.drop_duplicates(), 'patientId')
    persons, details, unboxed = rsna_persons(folder, found), rsna_details(folder), []
    found.note(int(table.duplicated().sum()), f'rows of {labels.name} repeat another')
    for patient, rows in patients.items():
        path, detail = images.get(patient, place/f'{patient}.dcm'), details.get(patient, set())
        if reason := rsna_reason(rows, detail) or (patient not in images and 'no such file'):
            found.reject(path, reason)
            continue
        label, boxes = int(number(rows[0].Target)), [rsna_box(r) for r in rows]
        if label and None in boxes: unboxed.append(patient)
        found.add(path, label, persons.get(patient, patient), detail=' and '.join(sorted(detail)) or None,
                  boxes=[] if None in boxes else boxes)
    for patient in images.keys() - patients: found.reject(images[patient], 'no label')
    left_out(found, [p for p in visible(folder) if p.is_dir() and p != place])
    found.note(len(unboxed), f"positive images lack a box or have one that cannot be read: kept, without boxes; first {unboxed[:1]}")
    if persons: found.note(len(images.keys() & patients.keys() - persons.keys()), 'images are not in the mapping: each is its own person')
    return found


def rsna_images(place, found):
    "patientId -> file. Of copies the first in the order of SUFFIXES is taken."
    files = [p for p in visible(place) if p.is_file()]
    taken = sorted(filter(is_image, files), key=lambda p: [*SUFFIXES, p.suffix.lower()].index(p.suffix.lower()))
    images = {stem(p): p for p in reversed(taken)}
    found.note(len(taken) - len(images), 'files are copies of an image in another format: left out')
    other = sum(p.suffix.lower() not in ('.csv', '.json') for p in set(files) - set(taken))
    found.note(other, f'files in {place.name} left out: no images')
    return images


def rsna_persons(folder, found):
    "patientId -> NIH patient, from RSNA's mapping; {} and a note where that is absent."
    mapping = the_one(folder, MAPPING, '*mapping*.json')
    if not mapping:
        found.notes.append(NO_MAPPING)
        return {}
    try:
        return {row['subset_img_id']: row['img_id'].split('_')[0] for row in json.loads(mapping.read_text(encoding='utf-8'))}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{mapping} is not RSNA's mapping, a list of {{subset_img_id, img_id}}: put the original in its place") from error


def rsna_details(folder):
    "patientId -> set of its detailed classes."
    csv = the_one(folder, 'stage_2_detailed_class_info.csv', '*detailed_class_info*.csv')
    if not csv: return {}
    groups = rows_by(read_csv(csv, ['patientId', 'class']).rename(columns={'class':'detail'}), 'patientId')
    return {patient: {r.detail for r in rows} - {''} for patient, rows in groups.items()}


def rsna_reason(rows, details):
    "Why an image with these rows and detailed classes cannot be used, or None."
    targets = {number(r.Target) for r in rows}
    if not rows[0].patientId: return 'no patientId'
    if not targets <= {0, 1}: return 'Target is neither 0 nor 1'
    if len(targets) > 1: return 'Target 0 and 1 in one patientId'
    if targets == {0} and any(number(v or '0') for r in rows for v in (r.x, r.y, r.width, r.height)): return 'Target 0 with a box'
    if any(DETAILS[d] not in targets for d in details & set(DETAILS)): return 'Target and detailed class disagree'


def rsna_box(row):
    "(x, y, width, height) in source pixels, or None where a field is no number or the box has no area."
    x, y, width, height = map(number, (row.x, row.y, row.width, row.height))
    return (x, y, width, height) if not math.isnan(x + y) and width > 0 and height > 0 else None
