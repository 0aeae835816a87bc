from dataclasses import replace

import pytest

from pneumo_fastai.training.learner import get_learner
from pneumo_fastai.training.loaders import get_dls


@pytest.fixture
def made(tiny, cohort, tmp_path):
    "A quiet learner of the small network, and its experiment."
    def made(**changes):
        e = replace(tiny, **changes)
        learn = get_learner(e, get_dls(e, cohort), path=tmp_path)
        learn.remove_cb(learn.progress)
        learn.logger = lambda _: None
        return learn, e
    return made
