from dataclasses import replace

import pytest

from pneumo_fastai.training.learner import get_learner
from pneumo_fastai.training.loaders import get_dls


@pytest.fixture(autouse=True)
def _small(small): "Every test here trains the small network."


@pytest.fixture
def make(tiny, cohort, tmp_path):
    "Makes a quiet learner of the small network, and its experiment."
    def make(**changes):
        e = replace(tiny, **changes)
        learn = get_learner(e, get_dls(e, cohort), path=tmp_path)
        learn.remove_cb(learn.progress)
        learn.logger = lambda _: None
        return learn, e
    return make
