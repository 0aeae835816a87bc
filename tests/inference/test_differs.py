import json

import numpy as np
import pandas as pd
import pytest
import torch

from pneumo_fastai.evaluation.apart import FEATURES
from pneumo_fastai.evaluation.shortcut import TOGETHER
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.inference.differs import differing, features, quartiles


@pytest.fixture(scope='module')
def found(measured_elsewhere): return json.loads((measured_elsewhere[1]/'differs.json').read_text())


def test_two_kinds_of_picture_are_told_apart_and_each_is_described(found, measured_elsewhere):
    own, here = found['own'], found['here']
    split = pd.read_csv(measured_elsewhere[0]/'split.csv').query('split == "test"')
    assert (own['images'], own['patients'], own['looked_at']) == (len(split), split.patient.nunique(), len(split))
    assert here['images'] == sum(here['view'].values()) == sum(here['sex'].values()) == 60 and 'not stated' not in here['view']
    assert own['height'] == [48, 48, 48] and own['age'] is None and 18 < here['age'][0] < 100 and here['constant'] == 0
    assert found['apart'][FEATURES]['value'] > .9 and found['apart'][TOGETHER]['value'] > .9
    assert own['enlarged'] == here['enlarged'] == 0 and own['unlike'] is None  # this model does not know what grey levels it had


def test_without_the_runs_images_that_is_said(measured_elsewhere, explainable, films, tmp_path):
    from pneumo_fastai.data.cohort import read_cohort
    from pneumo_fastai.data.prepare import prepare
    from pneumo_fastai.runs.folder import read_run
    run = read_run(measured_elsewhere[0])
    cohort = prepare(read_cohort(films), run.experiment)
    run.cohort = run.cohort.assign(path='/gone' + run.cohort.path)
    found = differing(run, Bundle.load(run.folder), cohort, tmp_path/'cache')
    assert found['apart'] is None and 'are gone' in found['reason'] and found['own']['looked_at'] == 0 < found['here']['looked_at']


def test_features_are_what_goes_into_the_last_layer(explainable, films):
    from pneumo_fastai.data.cache import open_pixels
    bundle, paths = Bundle.load(explainable()), sorted(map(str, films.rglob('*.png')))[:20]
    got, warned = features(bundle, open_pixels(paths, 32), pd.DataFrame(dict(path=paths)), lambda done, n: None)
    means = bundle.model.features(torch.stack([bundle.tensor(p) for p in paths])).mean((2, 3))
    np.testing.assert_allclose(got, torch.nn.functional.normalize(means), rtol=1e-4, atol=1e-6)
    assert not warned.any() and len(warned) == 20  # this model has nothing to compare with


def test_quartiles_leave_out_what_is_not_stated():
    assert quartiles([np.nan, 1, 2, 3]) == [2, 1.5, 2.5] and quartiles([np.nan]) is None
