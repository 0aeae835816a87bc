"The files that a table of predictions can be: CSV, JSON lines or Parquet, by the ending of their name."
import json
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import pandas as pd

from ..csv_files import csv_text, read_csv
from ..errors import InputError

FORMATS = '.csv', '.jsonl', '.parquet'
NUMBERS = 'probability', 'calibrated', 'disagreement'
DIGITS = '.8g'  # float32 has no more


def format_of(out) -> str:
    "Which of `FORMATS`; `InputError` for another, or where what writes it is missing."
    ending = Path(out).suffix.lower()
    if ending not in FORMATS:
        raise InputError(f'{out} is no table that can be written; give --out a name that ends in {" or ".join(FORMATS)}')
    if ending == '.parquet' and not find_spec('pyarrow'): raise InputError(f'{out} needs pyarrow: pip install pyarrow')
    return ending


def text_of(frame, ending, first) -> str:
    "The text of some rows for the journal, `first` with what stands above them: of Parquet, which is written at the end, JSON lines."
    if ending == '.csv': return csv_text(frame, float_format=f'%{DIGITS}', header=first)
    return ''.join(map(json_line, frame.to_dict('records')))


def json_line(row) -> str:
    "Null for what is no number."
    values = {k: (None if pd.isna(v) else float(format(v, DIGITS))) if isinstance(v, float) else v for k, v in row.items()}
    return json.dumps(values, ensure_ascii=False) + '\n'


def write_whole(path, texts, ending, columns):
    "The file of all rows, from the texts of `text_of`."
    if ending == '.parquet': return write_parquet(path, (json.loads(line) for text in texts for line in text.split('\n') if line), columns)
    with path.open('w', encoding='utf-8', errors='backslashreplace', newline='') as file:  # what a file's name may hold and UTF-8 not
        for text in texts: file.write(text)


def write_parquet(path, rows, columns):
    import pyarrow as pa
    from pyarrow.parquet import write_table
    schema = pa.schema([(name, pa.float64() if name in NUMBERS else pa.string()) for name in columns])
    plain = [{k: v.encode(errors='backslashreplace').decode() if isinstance(v, str) else v for k, v in row.items()} for row in rows]
    write_table(pa.Table.from_pylist(plain, schema=schema), path)


def first_rows(path, most) -> pd.DataFrame:
    "At most so many rows of such a file."
    ending = Path(path).suffix.lower()
    if ending == '.csv':
        return read_csv(path, nrows=most, dtype=dict(path=str, prediction=object, reason=object), keep_default_na=False, na_values=[''])
    if ending == '.jsonl':
        with open(path, encoding='utf-8', newline='\n') as file: rows = [json.loads(line) for line in islice(file, most)]
        return pd.DataFrame(rows, dtype=object)
    from pyarrow.parquet import ParquetFile
    with ParquetFile(path) as file: return next(file.iter_batches(most)).to_pandas()
