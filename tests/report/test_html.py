import html
import json
import re
from hashlib import sha256
from html.parser import HTMLParser

import pandas as pd
import pytest

from pneumo_fastai.evaluation.metrics import EVERY
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.report.html import MARK, Page, tag
from pneumo_fastai.report.labels import number
from pneumo_fastai.report.page import write_page
from pneumo_fastai.report.registry import sections_of
from pneumo_fastai.report.sections import checklists
from pneumo_fastai.report.words import in_words, rows
from pneumo_fastai.report.written import draw, measure, present
from pneumo_fastai.runs.folder import read_run

HOSTILE = '<script>alert("a")</script> & 50%_{x}'
FEW = Settings(n_boot=20)


class Reader(HTMLParser):
    "Tags with their attributes, and the cells of each table row by section."
    def __init__(self, text):
        super().__init__()
        self.tags, self.rows, self.ids, self.section, self.cell = [], {}, [], None, None
        self.feed(text)

    def handle_starttag(self, name, attrs):
        attrs = dict(attrs)
        self.tags.append((name, attrs))
        if 'id' in attrs: self.ids.append(attrs['id'])
        if name == 'section': self.section = attrs['id']
        if name == 'tr': self.rows.setdefault(self.section, []).append([])
        if name in ('td', 'th'):
            self.cell = []
            self.rows[self.section][-1].append(self.cell)

    def handle_endtag(self, name):
        if name in ('td', 'th'): self.cell = None

    def handle_data(self, data):
        if self.cell is not None: self.cell.append(data)


def made(run, choices=FEW, figures=False):
    "(text, what a reader finds in it, metrics)."
    found = read_run(run)
    metrics = measure(found, choices)
    (present if figures else write_page)(found, metrics)
    text = (run/'report.html').read_text(encoding='utf-8')
    return text, Reader(text), metrics


@pytest.fixture(scope='module')
def plain(tmp_path_factory, write_run):
    run = write_run(tmp_path_factory.mktemp('html')/'run')
    return run, *made(run, figures=True)


def test_nothing_is_loaded_from_elsewhere(plain):
    _, text, read, _ = plain
    assert {'script', 'link', 'iframe', 'object', 'base'}.isdisjoint(name for name, _ in read.tags)
    assert 'http://' not in text and 'https://' not in text and 'url(' not in text and '@import' not in text
    sources = [attrs['src'] for _, attrs in read.tags if 'src' in attrs]
    assert len(sources) == 7 and all(s.startswith('data:image/png;base64,iVBOR') for s in sources)
    assert all(attrs['alt'] for name, attrs in read.tags if name == 'img')


def test_links_lead_to_sections_that_exist(plain):
    _, _, read, _ = plain
    links = [attrs['href'] for name, attrs in read.tags if name == 'a']
    assert links and all(link.startswith('#') and link[1:] in read.ids for link in links)
    assert len(read.ids) == len(set(read.ids)) == len(sections_of('run')) == 15


def test_the_table_of_results_is_metrics_json(plain):
    run, _, read, _ = plain
    metrics = json.loads((run/'metrics.json').read_text())
    rows = read.rows['results'][1:]
    blocks = [metrics['valid'], metrics['test']['at_threshold'], metrics['test']['at_0.5'], metrics['balanced']['at_threshold']]
    assert [[''.join(c) for c in row[1:]] for row in rows] == [[number(b[m]) for b in blocks] for m in EVERY]


def test_a_threshold_that_was_found_on_the_images_themselves_is_said_to_be(plain):
    _, _, reader, _ = plain
    says = [row[0][0] for row in reader.rows['results'] if len(row[0]) > 1 and 'found on the images of the column' in row[0][1]]
    assert says == [f'{a} at {n}% {b}' for a, b in (('sensitivity', 'specificity'), ('specificity', 'sensitivity')) for n in (90, 95)]


def test_the_page_has_the_table_as_plain_text(plain):
    _, text, _, metrics = plain
    pre = re.search(r'The same as plain text</summary><pre>(.*?)</pre>', text, re.S)[1]
    for row in rows(metrics): assert re.search(r'\s+'.join(map(re.escape, row)), pre)
    assert all(html.escape(line).replace('&quot;', '&#34;').replace('&#x27;', '&#39;') in pre for line in in_words(metrics))


def test_hashes_are_those_of_the_files(plain):
    run, _, read, _ = plain
    table = [[''.join(c) for c in row] for row in read.rows['provenance'] if len(row) == 3][1:]
    assert [row[0] for row in table] == sorted(p.name for p in run.iterdir() if p.name != 'report.html')
    for name, size, sha in table:
        assert sha == sha256((run/name).read_bytes()).hexdigest() and int(size.replace(',', '')) == (run/name).stat().st_size


def test_what_comes_from_files_is_escaped(new_run):
    run = new_run(data=HOSTILE, name='<b>me</b>')
    table = pd.read_csv(run/'split.csv').assign(detail=HOSTILE)
    table.to_csv(run/'split.csv', index=False)
    text, read, _ = made(run)
    assert '<script' not in text and '<b>me' not in text and text.count('&lt;script&gt;alert(&#34;a&#34;)') > 5
    assert any(''.join(row[0]).startswith(HOSTILE) for row in read.rows['subgroups'])
    assert tag('p', '<a>', title='"') == '<p title="&#34;">&lt;a&gt;</p>'


def test_synthetic_stands_wherever_numbers_are(new_run, plain):
    assert MARK not in plain[1]
    text, _, _ = made(new_run(synthetic=True), figures=True)
    sections = dict(re.findall(r'<section id="(\w+)">(.*?)</section>', text, re.S))
    for name, body in sections.items():
        if name in ('recipe', 'limits', 'checklists', 'provenance'): continue
        assert MARK in body.split('</h2>')[0], name
        assert body.count('<table') <= body.count(MARK) - 1
    assert text.count('<figcaption') == len(re.findall(rf'<figcaption>[^<]*<span class="synthetic">{MARK}', text))
    assert MARK in text.split('<title>')[1].split('</title>')[0] and text.split('</header>')[0].count(MARK) >= 6
    assert MARK not in Page(False).table(('a',), [('b',)])


def test_flow_adds_up(plain):
    run, text, _, _ = plain
    flow = re.search(r'<div class="flow">.*?</section>', text, re.S).group()
    assert '302 images' in flow and 'Excluded: 2' in flow and '1: cannot be read' in flow and '300 images of 100 patients' in flow
    used = pd.read_csv(run/'split.csv').split.value_counts()
    for split in ('train', 'valid', 'test'): assert f'{used[split]} images of {used[split]//3} patients' in flow


@pytest.mark.parametrize('kind', ['valid of one class', 'test of one class', 'one view', 'tiny', 'no view'])
def test_degenerate_runs_give_reasons(new_run, predict_anew, kind):
    run = new_run(views=dict({'one view': ['AP'], 'no view': [None]}).get(kind, ('AP', 'PA')))
    rows = pd.read_csv(run/'predictions.csv')
    if 'one class' in kind: rows.loc[rows.split == kind.split()[0], 'label'] = 0
    if kind == 'tiny': rows = rows.groupby('split').head(1)
    predict_anew(run, rows)
    text, read, metrics = made(run)
    cells = {''.join(c).strip().lower() for rows in read.rows.values() for row in rows for c in row}
    assert not re.search(r'\bnan\b', re.sub(r'base64,[^"]*', '', text), re.I) and 'none' not in cells - {'none'}
    if kind in ('valid of one class', 'test of one class', 'tiny'): assert any(c.startswith('not defined, because') for c in cells)
    assert 'NaN' not in (run/'metrics.json').read_text()
    draw(read_run(run), metrics)  # a figure without a point is drawn too


@pytest.mark.parametrize('said, author, main, items', [(checklists.CLAIM, checklists.CLAIM_AUTHOR, 44, 44),
                                                       (checklists.TRIPOD, checklists.TRIPOD_AUTHOR, 27, 52)])
def test_every_item_of_the_guidelines_is_there_once(said, author, main, items):
    parts = [[re.match(r'(\d+)([a-z]?) ', item).groups() for item in some] for some in ([o[0] for o in said], author.split('; '))]
    for some in parts: assert some == sorted(some, key=lambda o: (int(o[0]), o[1]))
    numbers = [*parts[0], *parts[1]]
    assert len(set(numbers)) == len(numbers) == items and {int(n) for n, _ in numbers} == set(range(1, main + 1))
    assert all(where for *_, where in said)


def test_an_audit_is_taken_in(new_run):
    run = new_run()
    about = dict(left_out=0, n=3)
    (run/'audit.json').write_text(json.dumps(dict(shortcut={'view position': dict(value=.8, low=.7, high=.9, reason=None, **about),
                                                            'burnt-in text': dict(value=None, low=None, high=None, reason='x', **about)})))
    _, read, _ = made(run)
    assert [['view position'], ['0.800 [0.70, 0.90]']] in read.rows['shortcut']
    assert [['burnt-in text'], ['not defined, because x']] in read.rows['shortcut']
