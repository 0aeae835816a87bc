"The reader of a manifest: a CSV file with a row an image."
import math
import os

from ...ages import OLDEST
from ...errors import InputError
from ..decoding.header import view_in
from .common import LABELS, SPLITS, look, name_in, number, plain, read_csv, rows_by


def manifest(csv, found):
    "A table: path (relative to its folder) and label; optionally patient, split, view, age (0 to 120 years), sex, detail."
    table = read_csv(csv, ['path', 'label'], ['patient', 'split', 'view', 'age', 'sex', 'detail'])
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
        found.add(path, LABELS[plain(first.label)], first.patient or None, split=SPLITS.get(plain(first.split)), view=view_in(first.view),
                  age=age, sex=first.sex or None, detail=first.detail or None,
                  name=None if first.patient else name_in(path, csv.parent, first.written))
    found.note(len(table) - len(groups), f'rows of {csv.name} repeat a path')
    splits, alone = [r['split'] for r in found.rows], sum(r['patient'] is None for r in found.rows)
    found.note(alone, f'images have no patient in {csv.name}: its column patient is what keeps a patient in one split')
    if any(splits): found.note(splits.count(None), f'images have no split in {csv.name}')
    found.note(ages, f'ages in {csv.name} are no years from 0 to {OLDEST}: taken as unknown')


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
    if len({(r.patient, SPLITS.get(plain(r.split))) for r in rows}) > 1: return 'different patients or splits'
    kind, reason = look(path)
    return reason or (None if kind else 'no image')
