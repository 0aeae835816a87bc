import json

import pytest
import torch

from pneumo_fastai.benchmarks import growth
from pneumo_fastai.benchmarks.growth import draw, epoch, grown, repeated


@pytest.mark.slow
def test_growth_has_a_row_for_each_and_draws_them(tiny, tmp_path):
    ticks = []
    found = grown(tiny, tmp_path, lambda *a: ticks.append(a))
    assert {r['varied'] for r in found['rows']} == {'images', 'size', 'threads', 'workers'} and ticks[-1] == (len(found['rows']),) * 2
    some = found['rows'][1]
    assert some['epoch_extrapolated'] == pytest.approx(some['first_batch'] + some['step'] * some['images'] / tiny.batch_size)
    draw(json.loads(json.dumps(found)), tmp_path/'growth.png')
    assert (tmp_path/'growth.png').stat().st_size > 5000


def test_an_epoch_is_extrapolated_from_a_step_and_the_threads_are_put_back(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(growth, 'clocked', lambda learn, steps: (.5, .1, 0))
    before = torch.get_num_threads()
    row = epoch(tiny, 320, tmp_path, threads=before + 1)
    assert torch.get_num_threads() == before and (row['images'], row['size'], row['threads']) == (320, 32, before + 1)
    assert row['images_per_second'] == tiny.batch_size / .5
    assert row['epoch_extrapolated'] == pytest.approx(row['first_batch'] + .5 * 320 / tiny.batch_size)


def test_a_larger_set_repeats_the_same_images(tiny, tmp_path):
    cohort = repeated(tiny, 600, tmp_path)
    assert (cohort.pixels['00000003'] == cohort.pixels['00000259']).all() and (cohort.pixels['00000003'] != cohort.pixels['00000004']).any()
    assert cohort.table.split.value_counts().to_dict() == dict(train=480, valid=60, test=60) and cohort.table.label.mean() == .5
