import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.data.prepare import decoded
from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import Experiment
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.inference.decision import NO_NUMBER
from pneumo_fastai.inference.external import check_left, predicted, probabilities, sized


@pytest.fixture
def cohort(films):
    made = decoded(read_cohort(films), Experiment(size=32))
    return replace(made, table=made.table.assign(split='test'))


def test_cached_pixels_give_what_the_files_give(explainable, cohort):
    bundle, told = Bundle.load(explainable()), []
    p = probabilities(bundle, cohort.pixels, cohort.table.path, lambda done, n: told.append((done, n)))
    np.testing.assert_allclose(p, bundle.probabilities(cohort.table.path)[0], atol=1e-6)
    assert told[-1] == (len(cohort.table),)*2


def test_an_image_without_a_number_is_rejected(explainable, cohort, monkeypatch):
    bundle = Bundle.load(explainable())
    monkeypatch.setattr(bundle, 'of_pixels', lambda pixels: np.where(pixels.mean((1, 2)) > 100, np.nan, .5)[None])
    left, rows = predicted(bundle, cohort)
    assert 0 < len(left.rejected) < len(cohort.table) and set(left.rejected.reason) == {NO_NUMBER}
    assert len(left.table) == len(rows) == len(cohort.table) - len(left.rejected) and rows.probability.eq(.5).all()
    monkeypatch.setattr(bundle, 'of_pixels', lambda pixels: np.full((1, len(pixels)), np.nan))
    with pytest.raises(InputError, match='holds no image that can be used'): predicted(bundle, cohort)


def test_what_the_reader_enlarges_is_said(cohort):
    assert sized(cohort, 32).notes == cohort.notes
    assert '80 of 80 images are smaller than the 64 pixels' in sized(cohort, 64).notes[-1]


def test_one_class_left_is_refused(cohort):
    ill, well = (cohort.table[cohort.table.label == k] for k in (1, 0))
    with pytest.raises(InputError, match='all of one class'): check_left(ill, well, cohort)
    with pytest.raises(InputError, match='nothing is left'): check_left(ill[:0], cohort.table, cohort)
    check_left(cohort.table[1:], cohort.table[:1], cohort)


def test_the_folder_says_which_model_and_which_data(measured_elsewhere):
    run, folder = measured_elsewhere
    said = json.loads((folder/'environment.json').read_text())
    assert said['data'] | dict(name='drawn', layout='RSNA', synthetic=True) == said['data'] and said['command'].endswith('--data drawn')
    assert len(pd.read_csv(folder/'left_out.csv')) == 0 and (folder/'experiment.toml').read_bytes() == (run/'experiment.toml').read_bytes()
