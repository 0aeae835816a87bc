import io
import os
from types import SimpleNamespace

import pytest

from pneumo_fastai.data.cohort import images_in
from pneumo_fastai.data.listed import images_named
from pneumo_fastai.errors import InputError

LINES = b'\xef\xbb\xbfb.png\r\n\n  \n/films/a b.dcm\nb.png\n~/c\xff.png'
HOME = os.path.expanduser('~')
NAMED = [os.path.abspath('b.png'), '/films/a b.dcm', os.path.abspath('b.png'), os.fsdecode(os.path.join(os.fsencode(HOME), b'c\xff.png'))]


def test_a_list_is_its_lines_in_their_order_whatever_is_there(tmp_path, monkeypatch):
    (tmp_path/'list.txt').write_bytes(LINES)
    assert images_named(f'@{tmp_path}/list.txt') == (NAMED, 0)
    monkeypatch.setattr('sys.stdin', SimpleNamespace(buffer=io.BytesIO(LINES)))
    assert images_named('-') == (NAMED, 0)


def test_a_file_or_folder_is_what_is_in_it(films):
    for place in (films, films/'NORMAL', sorted(films.rglob('*.png'))[0]): assert images_named(place) == images_in(place)


def test_no_list_and_an_empty_one_are_input_errors(tmp_path, monkeypatch):
    for place in ('nowhere', tmp_path):
        with pytest.raises(InputError, match=r'cannot be read .*; give a file with a path a line'): images_named(f'@{place}')
    (tmp_path/'list.txt').write_text(' \n\n')
    with pytest.raises(InputError, match=r'list\.txt holds no path; give one a line'): images_named(f'@{tmp_path}/list.txt')
    monkeypatch.setattr('sys.stdin', SimpleNamespace(buffer=io.BytesIO()))
    with pytest.raises(InputError, match='standard input holds no path'): images_named('-')
