import json

import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.inference import formats
from pneumo_fastai.inference.formats import first_rows, format_of, text_of, write_whole

FRAME = pd.DataFrame({'path': ['/a,\u2028"\n.png', '/\udcff.dcm', '123'], 'probability': [.123456789, np.nan, 1e-12],
                      'calibrated': [.5, np.nan, 0.], 'prediction': ['pneumonia', None, 'no pneumonia'], 'set': [None] * 3,
                      'reason': [None, 'no', None], 'warnings': [None] * 3}, dtype=object).astype(dict.fromkeys(formats.NUMBERS[:2], float))
TEXTS = [c for c in FRAME if c not in formats.NUMBERS]


@pytest.mark.parametrize('ending', formats.FORMATS)
def test_each_holds_the_same_rows_however_they_came(tmp_path, ending):
    if ending == '.parquet': pytest.importorskip('pyarrow', reason='pyarrow is not installed')
    path = tmp_path/f'p{ending}'
    write_whole(path, [text_of(FRAME[:1], ending, True), text_of(FRAME[1:], ending, False)], ending, list(FRAME))
    got = first_rows(path, 9)
    assert list(got.columns) == list(FRAME) and len(first_rows(path, 2)) == 2
    np.testing.assert_allclose(got.probability.astype(float), FRAME.probability, rtol=1e-7)
    np.testing.assert_array_equal(got.probability.isna(), [False, True, False])
    name = '/\udcff.dcm' if ending == '.jsonl' else r'/\udcff.dcm'
    assert list(got.path) == [FRAME.path[0], name, '123']
    for column in TEXTS[1:]: assert [None if pd.isna(v) else v for v in got[column]] == list(FRAME[column])


def test_json_lines_are_json_without_nan(tmp_path):
    def no(text): raise AssertionError(text)
    rows = [json.loads(line, parse_constant=no) for line in text_of(FRAME, '.jsonl', True).split('\n')[:-1]]
    assert rows[0]['probability'] == .12345679 and rows[1]['probability'] is None and [r['path'] for r in rows] == list(FRAME.path)


@pytest.mark.parametrize('pyarrow, out, says', [
    (None, 'p.txt', r'p\.txt is no table that can be written; give --out a name that ends in \.csv or \.jsonl or \.parquet'),
    (None, 'p', 'p is no table'), (None, 'p.parquet', r'p\.parquet needs pyarrow: pip install pyarrow')])
def test_what_cannot_be_written_says_what_would_do(monkeypatch, pyarrow, out, says):
    monkeypatch.setattr(formats, 'find_spec', lambda name: pyarrow)
    with pytest.raises(InputError, match=says): format_of(out)
    assert format_of('a/P.CSV') == '.csv' and format_of('p.jsonl') == '.jsonl'
    monkeypatch.setattr(formats, 'find_spec', lambda name: name)
    assert format_of('p.parquet') == '.parquet'
