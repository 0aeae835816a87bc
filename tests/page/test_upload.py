import pytest

from pneumo_fastai.page.upload import LONG, MOST, shown, too_many


@pytest.mark.parametrize('name, seen', [
    ('../../etc/passwd', 'passwd'), ('C:\\scans\\film.dcm', 'film.dcm'), ('a\u202egnp.exe', 'agnp.exe'), ('a\nb\0.dcm', 'ab.dcm'),
    ('', 'a file without a name'), ('..', 'a file without a name'), ('<b>x</b>.png', 'b>.png'), ('*x*_y_.png', '*x*_y_.png')])
def test_a_name_shows_no_folder_and_nothing_that_is_not_seen(name, seen): assert shown(name) == seen


def test_a_long_name_keeps_its_beginning_and_its_end():
    name = shown('a' * 300 + '.dcm')
    assert len(name) == LONG and name.startswith('aaa') and name.endswith('aaa.dcm') and '\u2026' in name


def test_too_many_are_told_how_many_would_do():
    assert too_many(MOST) == '' and f'{MOST}' in too_many(1000) and '1,000' in too_many(1000)
