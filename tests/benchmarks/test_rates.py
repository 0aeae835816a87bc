import time

import pytest

from pneumo_fastai.benchmarks import rates
from pneumo_fastai.benchmarks.rates import Clock, clocked, plain_learner, training_rows
from pneumo_fastai.training.learner import get_learner
from pneumo_fastai.training.loaders import get_dls

pytestmark = pytest.mark.usefixtures('small')


def test_a_clock_counts_the_step_and_neither_what_runs_beside_it_nor_validation(tiny, cohort, tmp_path):
    dls = get_dls(tiny, cohort)
    step, around, beside = clocked(get_learner(tiny, dls, tmp_path), 2 * len(dls.train), beside=lambda: time.sleep(.1))
    assert 0 < around < step < .1 <= beside < .15


def test_readings_of_several_steps_end_with_the_epoch_and_are_of_a_step_too(tiny, cohort, tmp_path):
    dls, beside, n = get_dls(tiny, cohort), [], len(get_dls(tiny, cohort).train)
    def work(): beside.append(time.sleep(.01))
    clock, learn = Clock(4, work, skip=0, most=n - 1), get_learner(tiny, dls, tmp_path)
    start = time.perf_counter()
    with learn.no_bar(), learn.no_logging(): learn.fit(3, cbs=clock)
    took = time.perf_counter() - start
    assert len(clock.times) == 4 and len(beside) == 2 * n  # n - 1 and 1 of each of two epochs
    step, around, wait = clock.shortest()
    assert n > 2 and 0 < around < step and .01 <= wait < .02  # of a step, not of n - 1
    assert sum((step + wait) * k for (step, _, wait), k in zip(clock.times, (n - 1, 1) * 2, strict=True)) < took


def test_every_claim_about_training_has_a_row(tiny, cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(rates, 'rate', lambda work, n, **options: (work(), float(n))[1])
    rows = list(training_rows(tiny, get_dls(tiny, cohort), tmp_path, turns=1))
    assert [what for what, *_ in rows].count('training, images/s') >= 4 and all(a > 0 and b > 0 for _, a, _, b in rows)
    (ours, plain), = [(a, b) for what, a, beside, b in rows if beside == 'plain fastai, float32']
    around, step = next((a, b) for what, a, _, b in rows if what.startswith('loader'))
    assert around < step == pytest.approx(1e3 * tiny.batch_size / ours) and plain > 0


def test_the_plain_way_is_fastais_own_loader(tiny, cohort, tmp_path):
    learn = plain_learner(tiny, get_dls(tiny, cohort), tmp_path)
    assert type(learn.dls.train).__name__ == 'TfmdDL' and learn.dls.train.one_batch()[0].shape == (16, 1, 32, 32)
