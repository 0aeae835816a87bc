"What every reader of labelled data sets uses: names and label tables -> rows, refused files, notes."
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
            texts = dict(sep=sep, dtype=str, keep_default_na=False, encoding='utf-8-sig', index_col=False)
            table = pd.read_csv(path, na_values=['nan', 'NaN', 'NA', 'N/A', 'None', 'null'], **texts)
            header = pd.read_csv(path, header=None, nrows=1, **texts).iloc[0]   # as it stands: of two alike pandas renames one
    except (pd.errors.EmptyDataError, pd.errors.ParserError, pd.errors.ParserWarning, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a table ({' '.join(str(error).split())}): save it as CSV in UTF-8") from error
    names = {name.lower(): name for name in [*needed, *optional]}
    columns = [names.get(c.strip().lower(), c.strip()) for c in header]
    if max(map(columns.count, names.values())) > 1: raise InputError(f"{path} has a column twice among {', '.join(columns)}: leave one")
    if lacking := [c for c in needed if c not in columns]:
        raise InputError(f"{path} lacks {', '.join(lacking)}: it has {', '.join(columns)}, and needs {', '.join(needed)}")
    table = pd.DataFrame({c: table.iloc[:, columns.index(c)] if c in columns else '' for c in names.values()})
    return table.fillna('').apply(lambda column: column.str.strip())


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
