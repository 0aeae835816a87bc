import os
from itertools import pairwise

import numpy as np
import pytest

from pneumo_fastai.data.listed import images_named
from pneumo_fastai.data.parts import cut, read, repeated
from pneumo_fastai.errors import Failed, InputError

LINES = b'\xef\xbb\xbfb.png\r\n\n  \n/films/a b.dcm\nb.png\n~/c\xff.png\n/films/x/../a b.dcm\n\n./b.png\n/films/a b.dcm \nlast.png'


@pytest.fixture
def listed(tmp_path):
    (tmp_path/'list.txt').write_bytes(LINES)
    return tmp_path/'list.txt'


@pytest.mark.parametrize('lines', [1, 2, 3, 4, 99])
def test_the_parts_hold_each_file_of_the_list_once_in_its_order(listed, lines):
    about, parts = cut(listed, lines, os.getcwd())
    whole = images_named(f'@{listed}')[0]
    assert [p for part in parts for p in read(part, listed, os.getcwd())] == list(dict.fromkeys(whole))
    assert (about['files'], about['repeated'], about['lines'], about['bytes']) == (5, 3, 11, len(LINES))
    assert [p.part for p in parts] == list(range(len(parts))) and parts[-1].last == 11
    assert all(a.last + 1 == b.first and a.at + a.bytes == b.at for a, b in pairwise(parts))


def test_relative_paths_start_from_the_given_folder(listed):
    assert read(cut(listed, 99, '/x')[1][0], listed, '/x')[0] == '/x/b.png'


def test_a_part_of_a_list_that_has_changed_fails(listed):
    parts = cut(listed, 4, '/')[1]
    listed.write_bytes(LINES.replace(b'last', b'lost'))
    assert read(parts[0], listed, '/')
    with pytest.raises(Failed, match=r'list\.txt has changed since'): read(parts[-1], listed, '/')


def test_no_list_and_an_empty_one_are_input_errors(tmp_path):
    for name in ('nowhere', '.'):
        with pytest.raises(InputError, match='cannot be read'): cut(tmp_path/name, 9, '/')
    (tmp_path/'list.txt').write_text('\n \n')
    with pytest.raises(InputError, match='holds no path'): cut(tmp_path/'list.txt', 1, '/')


def test_what_is_repeated_is_all_but_the_first_of_each():
    values = np.random.default_rng(0).integers(0, 20, (200, 2)).astype(np.uint64)
    values[:, 1] = values[:, 0] * 7  # as good digests: one half says the other
    seen, want = set(), []
    for i, v in enumerate(values[:, 0].tolist()):
        if v in seen: want.append(i)
        seen.add(v)
    assert repeated(bytearray(values.tobytes())).tolist() == want
