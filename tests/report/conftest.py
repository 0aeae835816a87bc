"A run's page as a reader finds it, and runs of many settings."
import json
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.experiment import toml
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


def a_member(folder, write_run, experiment, gains, seed, training=True, synthetic=True):
    "A run whose probabilities tell the label as well as `gains` say."
    write_run(folder, seed, synthetic, name=f'e, {folder.name.replace(",", ", ")}')
    rows, rng = pd.read_csv(folder/'predictions.csv'), np.random.default_rng([seed, *folder.name.encode()])
    gain = np.where(rows.split == 'valid', *gains)
    rows.assign(probability=1/(1 + np.exp(-rng.normal(gain*rows.label, 1)))).to_csv(folder/'predictions.csv', index=False)
    (folder/'experiment.toml').write_text(toml(experiment))
    about = json.loads((folder/'environment.json').read_text())
    if training: about['training'] = dict(seconds=60. + 60*seed, steps_seconds=50., images=1000 + 1000*seed)
    (folder/'environment.json').write_text(json.dumps(dict(about, precision='bfloat16' if seed else 'float32')))
    return folder


@pytest.fixture(scope='session')
def write_member(write_run): return lambda folder, *rest, **options: a_member(folder, write_run, *rest, **options)
