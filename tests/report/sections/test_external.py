import json
import re

import pytest

from pneumo_fastai.experiment import GREYS
from pneumo_fastai.report.labels import number
from pneumo_fastai.report.registry import sections_of
from pneumo_fastai.report.sections.external import SPREAD, compared, in_words


@pytest.fixture(scope='module')
def told(measured_elsewhere):
    "(text of the page, metrics)."
    return (measured_elsewhere[1]/'report.html').read_text(), json.loads((measured_elsewhere[1]/'metrics.json').read_text())


def test_the_page_has_what_a_run_has_and_its_own_sections(told):
    text, _ = told
    ids = re.findall(r'<section id="(\w+)"', text)
    assert ids == [s.id for s in sections_of('elsewhere')]
    assert {s.id for s in sections_of('run')} - set(ids) == {'cohort', 'checklists'} and 'differs' in ids
    assert '{{' not in text and 'weighted on films, measured on drawn' in text


def test_it_says_what_each_threshold_is_and_where_the_difference_comes_from(told):
    text, metrics = told
    plain = ' '.join(re.sub('<[^>]+>', ' ', text).split())
    for line in in_words(metrics): assert ' '.join(line.split()) in plain.replace('&#39;', "'").replace('&#34;', '"')
    assert f'here, threshold {metrics["fitting"]["value"]:.4f} found on these very images' in plain and 'square and add' in plain
    assert number(metrics['difference']['at_threshold']['auroc'], sign='+') in plain
    assert 'On this page test is drawn' in plain and 'Nothing was fitted to drawn' in plain
    assert 'come from the same source as the training images' not in plain and '--operating-point youden' not in plain


def test_a_drop_is_called_one_only_where_chance_does_not_explain_it(told):
    _, metrics = told
    def said(low, high):
        less = dict(metrics['difference']['at_threshold'], auroc=dict(value=(low + high)/2, low=low, high=high))
        return in_words(dict(metrics, difference=dict(metrics['difference'], at_threshold=less)))[0]
    assert 'a drop that chance' in said(-.3, -.1) and 'may explain' in said(-.1, .1) and 'better here' in said(.1, .2)


def test_of_a_set_that_was_not_looked_at_there_is_a_dash(measured_elsewhere):
    found = json.loads((measured_elsewhere[1]/'differs.json').read_text())
    gone = {k: v for k, v in found['own'].items() if k in ('images', 'patients', 'prevalence', 'view', 'sex', 'age')} | dict(looked_at=0)
    rows = {row[0]: row[1:] for row in compared(gone, found['here'])}
    assert rows['images'][1] == '60' and rows['age in years: median (quartiles)'][0] == '\u2013'
    assert rows['with a bar of one tone at an edge'][0] == '\u2013'


def test_of_equalised_images_the_grey_levels_are_said_to_be_those(measured_elsewhere):
    found = json.loads((measured_elsewhere[1]/'differs.json').read_text())
    names = {grey: [row[0] for row in compared(found['own'], found['here'], SPREAD[grey])] for grey in GREYS}
    for grey, words in dict(standardised=', once standardised', equalised=', once equalised', clahe='by tiles').items():
        changed = [new for old, new in zip(names['windowed'], names[grey], strict=True) if old != new]
        assert len(changed) == 2 and all('grey level' in name and name.endswith(words) for name in changed)
