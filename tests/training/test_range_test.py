import numpy as np
import pytest
from fastai.learner import Learner
from PIL import Image

from pneumo_fastai.errors import InputError
from pneumo_fastai.training.range_test import curve, range_test


@pytest.mark.filterwarnings('ignore:__array_wrap__')  # fastai 2.8
def test_rates_grow_from_one_end_to_the_other_and_the_suggestions_lie_between(tiny, cohort, tmp_path):
    ticks = []
    suggestions, recorder = range_test(tiny, cohort, 40, lambda *a: ticks.append(a))
    rates = np.array([float(o) for o in recorder.lrs])
    assert list(suggestions) == ['valley', 'slide', 'minimum', 'steep'] and all(1e-7 < v < 10 for v in suggestions.values())
    np.testing.assert_allclose(rates[1:] / rates[:-1], 10**(8/40), rtol=1e-3)  # from 1e-7 to 10
    assert ticks[-1] == (40, 40)
    curve(recorder, suggestions, tmp_path/'a.png', 'films')
    with Image.open(tmp_path/'a.png') as image: assert image.width > 500


def test_a_loss_that_diverges_too_early_says_at_which_step(tiny, cohort, monkeypatch):
    def diverged(learn, **how):
        with learn.no_logging(): learn.fit(1)
        raise IndexError
    monkeypatch.setattr(Learner, 'lr_find', diverged)
    with pytest.raises(InputError, match='diverged at step 3 of 40, too early'): range_test(tiny, cohort, 40, print)
