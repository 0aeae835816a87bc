"Texts that a spreadsheet would run, out and back again."
import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumo_fastai.csv_files import csv_text, read_csv

STARTS = '=', '+', '-', '@', '\t', '\r'  # OWASP, CSV injection
TEXT = st.text(st.sampled_from('\'=+-@\t\r\n"a,;0.'), min_size=1, max_size=6)
AS_FIT = dict(dtype=dict(text=str), keep_default_na=False, na_values=[''])


@pytest.mark.parametrize('text', ['=HYPERLINK("http://x","y")', '+1', '-1.png', '@SUM(A1)', '\tx', '\rx', "'=x", "''-x"])
def test_no_cell_begins_as_a_formula_does(text):
    rows = list(csv.reader(io.StringIO(csv_text(pd.DataFrame(dict(path=['a', text], n=[-.5, -1]))), newline='')))
    assert rows[2][0] == f"'{text}" and not any(row[0].startswith(STARTS) for row in rows)
    assert [row[1] for row in rows] == ['n', '-0.5', '-1.0']  # numbers stay numbers


@given(st.lists(TEXT, min_size=1, max_size=8))
def test_every_text_comes_back(texts):
    frame = pd.DataFrame(dict(text=texts, n=np.arange(len(texts)) - 1.5))
    back = read_csv(io.StringIO(csv_text(frame), newline=''), **AS_FIT)
    assert back.text.tolist() == texts and back.n.tolist() == frame.n.tolist()


def test_what_is_no_text_stays_what_it_is():
    frame = pd.DataFrame(dict(reason=pd.Series(['=x', None, 'fine'], dtype=object), label=[1, 0, 1], empty=[np.nan]*3))
    assert csv_text(frame) == "reason,label,empty\n'=x,1,\n,0,\nfine,1,\n"
    assert csv_text(frame.iloc[:0]) == 'reason,label,empty\n'
