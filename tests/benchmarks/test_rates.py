import time

import pytest
from torchvision.models import get_model_weights

from pneumo_fastai.benchmarks import rates
from pneumo_fastai.benchmarks.rates import Clock, clocked, gflop, plain_learner, training_rows
from pneumo_fastai.experiment import Experiment
from pneumo_fastai.training.learner import get_learner
from pneumo_fastai.training.loaders import get_dls


def test_the_work_of_a_step_is_that_of_the_networks_convolutions_and_matrix_products():
    "By hand, of ResNet18 at 64 pixels: multiplications and additions of each convolution, forward and twice backward."
    layers = [(32, 1, 64, 49)] + [(16, 64, 64, 9)] * 4  # places a side, channels in and out, kernel
    for places, cin in ((8, 64), (4, 128), (2, 256)):
        layers += [(places, cin, 2*cin, 9), (places, 2*cin, 2*cin, 9), (places, cin, 2*cin, 1), *[(places, 2*cin, 2*cin, 9)] * 2]
    want = 3 * 2 * (sum(p * p * a * b * k for p, a, b, k in layers) + 512 * 2) / 1e9
    assert gflop(Experiment(size=64)) == pytest.approx(want)


@pytest.mark.parametrize('arch, stem', [('densenet121', 64 * 49 * 112**2), ('convnext_tiny', 96 * 16 * 56**2)])
def test_and_what_torchvision_states_less_two_channels(arch, stem):
    stated = get_model_weights(arch).DEFAULT.meta['_ops']  # G multiplications of one image
    assert gflop(Experiment(arch=arch)) == pytest.approx(3 * 2 * (stated - 2 * stem / 1e9), rel=.005)


@pytest.mark.usefixtures('small')
def test_a_clock_counts_the_step_and_neither_what_runs_beside_it_nor_validation(tiny, cohort, tmp_path):
    dls = get_dls(tiny, cohort)
    step, around, beside = clocked(get_learner(tiny, dls, tmp_path), 2 * len(dls.train), beside=lambda: time.sleep(.1))
    assert 0 < around < step < .1 <= beside < .15


@pytest.mark.usefixtures('small')
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


@pytest.mark.usefixtures('small')
def test_every_claim_about_training_has_a_row(tiny, cohort, tmp_path, monkeypatch):
    monkeypatch.setattr(rates, 'rate', lambda work, n, **options: (work(), float(n))[1])
    rows = list(training_rows(tiny, get_dls(tiny, cohort), tmp_path, turns=1))
    assert [what for what, *_ in rows].count('training, images/s') >= 4 and all(a > 0 and b > 0 for _, a, _, b in rows)
    (ours, plain), = [(a, b) for what, a, beside, b in rows if beside == 'plain fastai, float32']
    around, step = next((a, b) for what, a, _, b in rows if what.startswith('loader'))
    assert around < step == pytest.approx(1e3 * tiny.batch_size / ours) and plain > 0


@pytest.mark.usefixtures('small')
def test_the_plain_way_is_fastais_own_loader(tiny, cohort, tmp_path):
    learn = plain_learner(tiny, get_dls(tiny, cohort), tmp_path)
    assert type(learn.dls.train).__name__ == 'TfmdDL' and learn.dls.train.one_batch()[0].shape == (16, 1, 32, 32)
