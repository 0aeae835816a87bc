import json
import time

import pytest
import torch

from pneumo_fastai.training.growth import draw, grown, repeated
from pneumo_fastai.training.learner import get_learner
from pneumo_fastai.training.loaders import get_dls
from pneumo_fastai.training.rates import clocked, plain_learner


def test_a_clock_counts_the_step_and_neither_what_runs_beside_it_nor_validation(tiny, cohort, tmp_path):
    dls = get_dls(tiny, cohort)
    step, around, beside = clocked(get_learner(tiny, dls, tmp_path), 2 * len(dls.train), beside=lambda: time.sleep(.1))
    assert 0 < around < step < .1 <= beside < .15


def test_the_plain_way_is_fastais_own_loader(tiny, cohort, tmp_path):
    learn = plain_learner(tiny, get_dls(tiny, cohort), tmp_path)
    assert type(learn.dls.train).__name__ == 'TfmdDL' and learn.dls.train.one_batch()[0].shape == (16, 1, 32, 32)


@pytest.mark.slow
def test_growth_has_a_row_for_each_and_draws_them(tiny, tmp_path):
    cohort = repeated(tiny, 600, tmp_path)
    assert torch.equal(*(torch.from_numpy(cohort.pixels[f'{k:08}']) for k in (3, 259)))  # 256 distinct ones, repeated
    ticks = []
    found = grown(tiny, tmp_path, lambda *a: ticks.append(a))
    assert {r['varied'] for r in found['rows']} == {'images', 'size', 'threads', 'workers'} and ticks[-1] == (len(found['rows']),) * 2
    some = found['rows'][1]
    assert some['epoch_extrapolated'] == pytest.approx(some['first_batch'] + some['step'] * some['images'] / tiny.batch_size)
    draw(json.loads(json.dumps(found)), tmp_path/'growth.png')
    assert (tmp_path/'growth.png').stat().st_size > 5000
