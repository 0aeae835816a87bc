import time

from fastai.callback.core import Callback

from pneumo_fastai.training.callbacks.stopwatch import Stopwatch
from pneumo_fastai.training.learner import get_learner
from pneumo_fastai.training.loaders import get_dls


class Slow(Callback):
    "A second before each fit, half of one before each epoch's validation, and none in its steps."
    def before_fit(self): time.sleep(1)
    def before_validate(self): time.sleep(.5)


def test_validation_is_in_the_seconds_and_not_in_those_of_the_steps_and_two_fits_add_up(cohort, tiny):
    learn, watch = get_learner(tiny, get_dls(tiny, cohort)), Stopwatch()
    with learn.no_bar(), learn.no_logging():
        for epochs in (2, 1): learn.fit(epochs, cbs=[watch, Slow()])
    taken = watch.taken
    assert taken['images'] == 3*((cohort.table.split == 'train').sum()//16*16)
    assert 0 < taken['steps_seconds'] < taken['seconds'] - 1.5 < taken['steps_seconds'] + 1.5
