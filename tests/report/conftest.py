"A run's page as a reader finds it."
from html.parser import HTMLParser

import pytest

from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.report.page import write_page
from pneumo_fastai.report.written import measure, present
from pneumo_fastai.runs.folder import read_run


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


def made(folder, figures=False):
    "(text, what a reader finds in it, metrics)."
    run = read_run(folder)
    metrics = measure(run, Settings(n_boot=20))
    (present if figures else write_page)(run, metrics)
    text = (folder/'report.html').read_text(encoding='utf-8')
    return text, Reader(text), metrics


@pytest.fixture(scope='session')
def page_of(): return made


@pytest.fixture(scope='session')
def plain(tmp_path_factory, write_run, saving_dots):
    "(folder, text, reader, metrics) of a run, with its figures: to read, not to change."
    folder = write_run(tmp_path_factory.mktemp('plain')/'run')
    with saving_dots(): return folder, *made(folder, figures=True)
