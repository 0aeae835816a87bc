"What every reader of labelled data sets uses: folders and label tables -> rows, refused files, notes."
import math
import os
import re
import stat
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from ...errors import InputError
from ..decoding.files import beginning

PICTURES = '.png', '.jpg', '.jpeg'
SUFFIXES = '.dcm', '.dicom', '.png', '.jpg', '.jpeg'          # of copies of one RSNA image the first is taken
LABELS = {'0':0, 'normal':0, 'no pneumonia':0, 'negative':0, '1':1, 'pneumonia':1, 'positive':1}   # folders and manifests, as `plain`
SPLITS = {'train':'train', 'val':'valid', 'valid':'valid', 'validation':'valid', 'test':'test'}
JUNK = 'thumbs.db', 'desktop.ini', '__macosx'
LINKED = 'is a link to a folder that is read already'
NO_BOXES = []  # one for all images without: a million empty lists take 56 MB


@dataclass
class Found:
    "What a reader collects: `rows` as dicts of a cohort's columns, `rejected` as path -> reason, `notes` as lines."
    rows:list = field(default_factory=list)
    rejected:dict = field(default_factory=dict)
    notes:list = field(default_factory=list)
    entered:set = field(default_factory=set)    # folders, as (device, inode)
    closed:int = 0                              # entries that cannot be read and whose names are no image's

    def add(self, path, label, patient, *, split=None, view=None, age=math.nan, sex=None, detail=None, boxes=(), name=None):
        if legible(path) != str(path): return self.reject(path, 'its name is not UTF-8')
        self.rows.append(dict(path=str(path), label=label, patient=patient, split=split, view=view, age=age, sex=sex, detail=detail,
                              boxes=list(boxes) or NO_BOXES, name=name))

    def reject(self, path, reason): self.rejected.setdefault(legible(path), reason)

    def note(self, n, text):
        if n: self.notes.append(f'{n} {text}')


def legible(path): return str(path).encode(errors='backslashreplace').decode()


@contextmanager
def reading():
    "What stands in the way of reading a data set is its user's to mend: an `OSError` becomes an `InputError`."
    try: yield
    except OSError as e: raise InputError(f'{e.filename or "a file"} cannot be read: {e.strerror or e}; make it readable') from e


def visible(folder):
    return sorted(p for p in folder.iterdir() if not p.name.startswith('.') and p.name.lower() not in JUNK)


def listed(folder, found):
    "What is visible in a folder; one that cannot be opened is rejected."
    try: return visible(folder)
    except OSError as e: found.reject(folder, f'is a folder that cannot be opened ({e.strerror})')
    return []


def files(folder, found):
    "(path, whether it is an image) of each file below a folder that was `enter`ed. Links are followed, into no folder a second time."
    inside = listed(folder, found)
    folders = {p for p in inside if os.path.isdir(p)}
    for path in inside:
        if path not in folders and (kind := image(path, found)) is not None: yield path, kind
    for path in sorted(folders, key=lambda p: (os.path.islink(p), p)):     # a folder has its own name, unless links alone lead there
        if identity(path) in found.entered: found.reject(path, LINKED)
        else:
            found.entered.add(identity(path))
            yield from files(path, found)


def enter(folders, found):
    "Mark where files are to be looked for, and all around it, as no place for a link to lead to."
    found.entered |= {identity(p) for folder in folders for p in (folder, *Path(os.path.realpath(folder)).parents)}


def identity(folder): return (about := os.stat(folder)).st_dev, about.st_ino


def image(path, found) -> bool | None:
    "Whether a file is an image. None where it cannot be read: it is rejected if its name says that it is one, and counted if not."
    kind, reason = look(path)
    if not reason: return kind
    if path.suffix.lower() in SUFFIXES: found.reject(path, reason)
    else: found.closed += 1
    return None


def look(path) -> tuple[bool | None, str | None]:
    "(whether a file is an image, None), or (None, why it cannot be read)."
    if reason := unusable(path): return None, reason
    try: return is_image(Path(path)), None
    except OSError as e: return None, f'cannot be opened ({e.strerror})'


def unusable(path) -> str | None:
    "Why there is no file to read at `path`, or None."
    try: return None if stat.S_ISREG(os.stat(path).st_mode) else 'is no regular file'
    except FileNotFoundError: return 'is a link to nothing' if os.path.islink(path) else 'no such file'
    except OSError as e: return f'cannot be looked at ({e.strerror})'


def is_image(path):
    "A known extension; or none, and DICOM's mark at byte 128 (PS3.10 7.1). The last number of a UID is no extension."
    suffix = path.suffix.lower()
    if suffix in SUFFIXES: return True
    if suffix and not suffix[1:].isdigit(): return False
    return beginning(path, 132)[128:] == b'DICM'


def name_in(
    path,        # absolute
    folder,      # the data set's
    written='',  # how a manifest gives the path
):
    "What the data set calls an image, wherever it lies itself: its path from `folder`; of one outside, given absolutely, that path."
    relative = Path(os.path.relpath(path, folder)).as_posix()
    return path if os.path.isabs(written) and relative.startswith('../') else relative


def plain(text): return re.sub(r'[\s_-]+', ' ', text.strip().lower()).removesuffix('.0')


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
    enter(folders, found)
    counts = {p.name: sum(kind for _, kind in files(p, found)) for p in folders}
    if counts: found.notes.append('folders left out: ' + ', '.join(f'{name} ({n} images)' for name, n in counts.items()))
