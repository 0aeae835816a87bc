import pytest
from jinja2 import DictLoader, UndefinedError
from markupsafe import Markup

from pneumo_fastai.report.templating import cell, count, environment, plain, render, sentences, share


@pytest.fixture
def templates(monkeypatch):
    "Takes texts by file name as the only templates."
    def use(**texts): monkeypatch.setattr(environment(), 'loader', DictLoader({k.replace('_', '.'): v for k, v in texts.items()}))
    return use


def test_html_is_escaped_unless_it_is_markup_and_sentences_are_as_they_are(templates):
    templates(a_html='{{ x }}', a_txt='{{ x }}')
    assert render('a', x='<b>') == '&lt;b&gt;' and render('a', x=Markup('<b>')) == '<b>' and sentences('a', x='<b>') == ['<b>']


def test_a_name_that_was_not_given_is_an_error(templates):
    templates(a_html='{{ x }}', b_html='{% if x %}{% endif %}')
    for name in 'ab':
        with pytest.raises(UndefinedError, match="'x' is undefined"): render(name)


def test_a_paragraph_is_a_line_and_an_empty_one_is_none(templates):
    templates(a_txt='One\n  line{% if x %} more{% endif %}.\n\n{% if x %}\nTwo.\n{% endif %}\n\n\nThree.\n')
    assert sentences('a', x=True) == ['One line more.', 'Two.', 'Three.'] and sentences('a', x=False) == ['One line.', 'Three.']


def test_numbers_in_templates(templates):
    templates(a_txt='{{ 1234567 | count }} {{ 0.1234 | share }} {{ 0.1234 | share(0) }} {{ m | number }} {{ labels.NAMES.auroc }}')
    assert sentences('a', m=dict(value=.8, low=.7, high=.9)) == ['1,234,567 12.3% 12% 0.800 [0.70, 0.90] AUROC']
    assert (count(1234567), share(.1234), plain(-.0001)) == ('1,234,567', '12.3%', '0.000') and 'not defined' in plain(None)


def test_a_cell_says_why_it_has_no_number_or_no_interval():
    none = dict(value=None, low=None, high=None, reason='not defined, because 1 < 2')
    assert cell(None) == '&ndash;' and cell(none) == '<span class="why">not defined, because 1 &lt; 2</span>'
    assert cell(dict(none, value=.8)) == '0.800 [no interval] <span class="why">not defined, because 1 &lt; 2</span>'
    assert cell(dict(value=.8, low=.7, high=.9)) == '0.800 [0.70, 0.90]'
    assert cell(dict(value=.01, low=.0004, high=.02), '+') == '+0.0100 [+0.0004, +0.0200]'
