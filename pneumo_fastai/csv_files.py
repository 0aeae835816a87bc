"The CSV files we write: a text that a spreadsheet would run as a formula gets an apostrophe before it, and reading takes it away again."
import csv
import re

import pandas as pd

from .errors import InputError

FORMULA = re.compile(r"'*[=+\-@\t\r]")  # a text of apostrophes and then this gets one more, so that none is taken away that was its own


def guarded(cell): return f"'{cell}" if isinstance(cell, str) and FORMULA.match(cell) else cell
def unguarded(cell): return cell[1:] if isinstance(cell, str) and cell[:1] == "'" and FORMULA.match(cell) else cell


def texts(frame, change):
    "`frame` with `change` applied to its texts; numbers, which no spreadsheet runs, stay as they are."
    some = [c for c in frame if not pd.api.types.is_numeric_dtype(frame[c])]
    return frame.assign(**{c: changed(frame[c], change) for c in some}) if len(frame) else frame


def changed(column, change):
    "Objects stay objects: with pyarrow pandas would make text of them, which holds no file's name that is not UTF-8."
    if column.dtype != object: return column.map(change, na_action='ignore')
    return pd.Series(list(map(change, column)), column.index, dtype=object)


def csv_text(frame, **how) -> str:
    "`frame` as the text of a CSV file, without its index; `how` as for `DataFrame.to_csv`."
    frame = texts(frame, guarded)
    returns = any('\r' in c for name in frame if not pd.api.types.is_numeric_dtype(frame[name]) for c in frame[name] if isinstance(c, str))
    return frame.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC if returns else csv.QUOTE_MINIMAL, **how)  # the latter quotes no \r


def read_csv(path, **how) -> pd.DataFrame:
    "What `csv_text` wrote; `how` as for `pandas.read_csv`. `InputError` where it is no table, `FileNotFoundError` where it is absent."
    try: return texts(pd.read_csv(path, **how), unguarded)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as e:
        raise InputError(f'{path} is no table ({e}); give a CSV') from None
