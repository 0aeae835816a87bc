import re

import pandas as pd
import pytest

from pneumo_fastai.report.html import MARK
from pneumo_fastai.report.labels import number
from pneumo_fastai.report.page import tiles
from pneumo_fastai.report.registry import sections_of
from pneumo_fastai.report.written import draw
from pneumo_fastai.runs.folder import read_run


def test_links_lead_to_sections_that_exist(plain):
    _, _, read, _ = plain
    links = [attrs['href'] for name, attrs in read.tags if name == 'a']
    assert links and all(link.startswith('#') and link[1:] in read.ids for link in links)
    assert len(read.ids) == len(set(read.ids)) == len(sections_of('run')) > 9


def test_the_four_numbers_of_the_first_screen_are_those_of_test_at_the_threshold(plain):
    _, text, _, metrics = plain
    found = {tile['name']: f'{tile["value"]} {tile["interval"]}' for tile in tiles(metrics)}
    at = metrics['test']['at_threshold']
    assert found == {'AUROC': number(at['auroc']), 'sensitivity': number(at['recall']), 'specificity': number(at['specificity']),
                     'average precision': number(at['average_precision'])}
    head = text.split('</header>')[0]
    for tile in tiles(metrics): assert tile['value'] in head and tile['interval'] in head
    assert 'AUROC: chance 0.5' in head and f'the view position alone {number(metrics["baseline"]["view"]["auroc"])}' in head
    undefined = dict(value=None, low=None, high=None)
    none, *_ = tiles(dict(test=dict(at_threshold=dict.fromkeys(at, undefined))))
    assert (none['value'], none['interval']) == ('not defined', '')


def test_synthetic_stands_wherever_numbers_are(new_run, plain, page_of, undrawn):
    assert MARK not in plain[1]
    text, _, _ = page_of(new_run(synthetic=True), figures=True)
    sections = dict(re.findall(r'<section id="(\w+)">(.*?)</section>', text, re.S))
    for name, body in sections.items():
        if name in ('recipe', 'limits', 'checklists', 'provenance'): continue
        assert MARK in body.split('</h2>')[0], name
        assert body.count('<table') <= body.count(MARK) - 1
    assert text.count('<figcaption') == len(re.findall(rf'<figcaption>[^<]*<span class="synthetic">{MARK}', text))
    assert MARK in text.split('<title>')[1].split('</title>')[0] and text.split('</header>')[0].count(MARK) >= 6


@pytest.mark.parametrize('kind', ['valid of one class', 'test of one class', 'one view', 'tiny', 'no view'])
def test_degenerate_runs_give_reasons(new_run, predict_anew, page_of, kind):
    run = new_run(views=dict({'one view': ['AP'], 'no view': [None]}).get(kind, ('AP', 'PA')))
    rows = pd.read_csv(run/'predictions.csv')
    if 'one class' in kind: rows.loc[rows.split == kind.split()[0], 'label'] = 0
    if kind == 'tiny': rows = rows.groupby('split').head(1)
    predict_anew(run, rows)
    text, read, metrics = page_of(run)
    cells = {''.join(c).strip().lower() for rows in read.rows.values() for row in rows for c in row}
    assert not re.search(r'\bnan\b', re.sub(r'base64,[^"]*', '', text), re.I) and 'none' not in cells - {'none'}
    if kind in ('valid of one class', 'test of one class', 'tiny'): assert any(c.startswith('not defined, because') for c in cells)
    assert 'NaN' not in (run/'metrics.json').read_text()
    draw(read_run(run), metrics)  # a figure without a point is drawn too
