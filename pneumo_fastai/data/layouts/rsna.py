"The reader of RSNA's layout: the Pneumonia Detection Challenge 2018 as Kaggle ships it."
import fnmatch
import json
import math
import os

from ...errors import InputError
from .common import SUFFIXES, image, left_out, listed, number, read_csv, rows_by, stem, unusable, visible

DETAILS = {'Lung Opacity':1, 'No Lung Opacity / Not Normal':0, 'Normal':0}
MAPPING = 'pneumonia-challenge-dataset-mappings_2018.json'
NO_MAPPING = (f"RSNA's patientId names an image, not a patient: about 11,400 people stand behind the 26,684 images, so a random split puts "
    f"about 70% of validation images on people also in training and numbers come out too good; put {MAPPING} into the folder, from "
    "https://www.rsna.org/rsnai/ai-image-challenge/rsna-pneumonia-detection-challenge-2018")


def the_one(folder, name, pattern, kind=os.path.isfile):
    "The entry called `name`, or else the only one like `pattern`, or None."
    like = [p for p in visible(folder) if kind(p) and fnmatch.fnmatch(p.name.lower(), pattern)]
    if folder/name in like: return folder/name
    if len(like) > 1: raise InputError(f"{folder} holds several {pattern}: {', '.join(p.name for p in like)}; leave one, or call it {name}")
    return like[0] if like else None


def rsna_labels(folder): return the_one(folder, 'stage_2_train_labels.csv', '*train_labels*.csv')


def rsna(folder, labels, found):
    table = read_csv(labels, ['patientId', 'x', 'y', 'width', 'height', 'Target'])
    place = the_one(folder, 'stage_2_train_images', '*train_images*', os.path.isdir) or folder
    images, labelled = rsna_images(place, found), rows_by(table.drop_duplicates(), 'patientId')
    patients, details, unboxed = rsna_patients(folder, found), rsna_details(folder), []
    found.note(int(table.duplicated().sum()), f'rows of {labels.name} repeat another')
    for key, rows in labelled.items():
        path, detail = images.get(key, place/f'{key}.dcm'), details.get(key, set())
        if reason := rsna_reason(rows, detail) or (key not in images and (unusable(path) or 'no image')):
            found.reject(path, reason)
            continue
        label, boxes = int(number(rows[0].Target)), [rsna_box(r) for r in rows]
        if label and None in boxes: unboxed.append(key)
        found.add(path, label, patients.get(key, key), detail=' and '.join(sorted(detail)) or None,
                  boxes=[] if None in boxes else boxes)
    for key in images.keys() - labelled: found.reject(images[key], 'no label')
    left_out(found, [p for p in visible(folder) if os.path.isdir(p) and p != place])
    found.note(len(unboxed), f"positive images lack a box or have one that cannot be read: kept, without boxes; first {unboxed[:1]}")
    unmapped = images.keys() & labelled.keys() - patients.keys()
    if patients: found.note(len(unmapped), 'images are not in the mapping: each is its own patient')


def rsna_images(place, found):
    "patientId -> file. Of copies the first in the order of SUFFIXES is taken."
    kinds = {p: image(p, found) for p in listed(place, found) if not os.path.isdir(p)}
    taken = sorted((p for p in kinds if kinds[p]), key=lambda p: [*SUFFIXES, p.suffix.lower()].index(p.suffix.lower()))
    images = {stem(p): p for p in reversed(taken)}
    found.note(len(taken) - len(images), 'files are copies of an image in another format: left out')
    other = sum(kind is False and p.suffix.lower() not in ('.csv', '.json') for p, kind in kinds.items())
    found.note(other, f'files in {place.name} left out: no images')
    return images


def rsna_patients(folder, found):
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
    return {key: {r.detail for r in rows} - {''} for key, rows in groups.items()}


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
