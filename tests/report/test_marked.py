import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.report.marked import BEGIN, END, around, put

PROSE = f'# Title\r\n\r\nwords\r\n{BEGIN}\r\nold\r\n{END}\r\nmore words, no line end'


def test_what_stands_around_the_marks_stays_to_the_byte(tmp_path):
    page = tmp_path/'README.md'
    page.write_bytes(PROSE.encode())
    for text in ('| a |\n', 'another'):
        put(page, text)
        before, after = page.read_bytes().split(text.strip().encode())
        assert before.decode() == f'# Title\r\n\r\nwords\r\n{BEGIN}\r\n\n' and after.decode() == f'\n\n{END}\r\nmore words, no line end'
    assert [p.name for p in tmp_path.iterdir()] == ['README.md']


def test_a_page_that_does_not_exist_is_made_with_its_marks(tmp_path):
    put(tmp_path/'new.md', 'text')
    assert (tmp_path/'new.md').read_text() == f'{BEGIN}\n\ntext\n\n{END}\n'
    put(tmp_path/'new.md', 'text')
    assert (tmp_path/'new.md').read_text() == f'{BEGIN}\n\ntext\n\n{END}\n'


def test_a_link_stays_one(tmp_path):
    put(tmp_path/'page.md', 'old')
    (tmp_path/'link.md').symlink_to('page.md')
    put(tmp_path/'link.md', 'new')
    assert (tmp_path/'link.md').is_symlink() and 'new' in (tmp_path/'page.md').read_text()


@pytest.mark.parametrize('text', ['', 'no marks', BEGIN, END, f'{END}\n{BEGIN}', f'{BEGIN}\n{END}\n{BEGIN}\n{END}', f'see {BEGIN} {END}'])
def test_a_page_without_two_marks_in_order_is_refused_and_left(tmp_path, text):
    page = tmp_path/'page.md'
    page.write_text(text)
    with pytest.raises(InputError, match='has not one line'): put(page, 'new')
    assert page.read_text() == text


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path/'page.md').write_bytes(b'\xff\xfe')
    with pytest.raises(InputError, match='UTF-8'): around(tmp_path/'page.md')
