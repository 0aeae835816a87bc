import json

import pytest
import torch

from pneumo_fastai.benchmarks.growth import draw, grown, repeated


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
