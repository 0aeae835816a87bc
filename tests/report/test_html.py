import base64
from io import BytesIO

import pandas as pd
from markupsafe import Markup
from PIL import Image

from pneumo_fastai.report.html import MARK, Page, noted, tag

HOSTILE = '<script>alert("a")</script> & 50%_{x}'


def test_nothing_is_loaded_from_elsewhere(plain):
    _, text, read, _ = plain
    assert {'script', 'link', 'iframe', 'object', 'base'}.isdisjoint(name for name, _ in read.tags)
    assert 'http://' not in text and 'https://' not in text and 'url(' not in text and '@import' not in text
    sources = [attrs['src'] for _, attrs in read.tags if 'src' in attrs]
    assert len(sources) == 7 and all(s.startswith('data:image/png;base64,iVBOR') for s in sources)
    assert all(attrs['alt'] for name, attrs in read.tags if name == 'img')


def test_what_comes_from_files_is_escaped(new_run, page_of):
    run = new_run(data=HOSTILE, name='<b>me</b>')
    table = pd.read_csv(run/'split.csv').assign(detail=HOSTILE)
    table.to_csv(run/'split.csv', index=False)
    text, read, _ = page_of(run)
    assert '<script' not in text and '<b>me' not in text and text.count('&lt;script&gt;alert(&#34;a&#34;)') > 5
    assert any(''.join(row[0]).startswith(HOSTILE) for row in read.rows['subgroups'])


def test_only_markup_is_taken_for_such():
    assert tag('p', '<a>', title='"', class_='x') == '<p title="&#34;" class="x">&lt;a&gt;</p>'
    assert noted('<a>', '&') == '&lt;a&gt;<small>&amp;</small>' and noted(Markup('<b>a</b>'), '') == '<b>a</b>'


def test_a_table_of_text_has_no_mark_and_says_which_columns_wrap():
    assert MARK not in Page(False).table(('a',), [('b',)]) and MARK in Page(True).table(('a',), [('b',)])
    text = Page(True).table(('', 'b', 'c'), [('x', 1, 2)], wide=(1,), numbers=False)
    assert MARK not in text and '<th scope="row">x</th>' in text and '<td class="text">1</td>' in text and '<td>2</td>' in text


def test_a_figure_holds_the_picture_itself_and_none_is_nothing(tmp_path):
    assert Page().figure(tmp_path/'roc.png') == ''
    Image.new('L', (3, 2)).save(tmp_path/'roc.png')
    shown = Page(True).figure(tmp_path/'roc.png', 'And more.')
    with Image.open(BytesIO(base64.b64decode(shown.split('base64,')[1].split('"')[0]))) as image: assert image.size == (3, 2)
    assert MARK in shown and shown.count('And more.') == 2  # to see, and for who cannot
