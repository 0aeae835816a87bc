from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from pneumo_fastai.inference import features
from pneumo_fastai.inference.features import FEWEST, Far, K, kth, limits, references, together


def directions(n, seed=0, spread=.1):
    "Float16 rows of length 1 around one direction."
    x = np.random.default_rng(seed).normal([1, 0, 0, 0], spread, (n, 4))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float16)


def test_the_distance_is_that_to_the_kth_nearest_and_the_limit_leaves_one_in_a_hundred_beyond():
    rows = directions(300)
    x = torch.nn.functional.normalize(torch.from_numpy(rows).float())
    away = torch.cdist(x, x, compute_mode='donot_use_mm_for_euclid_dist').sort(1).values
    torch.testing.assert_close(kth(x, x, 4), away[:, 3], atol=1e-3, rtol=0)
    known = limits(dict(features_1=rows, labels_1=np.zeros(300, np.int8)))
    assert known['k'] == K and known['limits'][0] == pytest.approx(float(np.quantile(away[:, K], .99)), abs=2e-3)
    assert 1 <= (away[:, K] > known['limits'][0]).sum() <= 5 and limits({}) is None


def several(n):
    "The bundles of n networks with features of their own."
    found = [dict(features_1=directions(200, i), labels_1=np.zeros(200, np.int8)) for i in range(n)]
    return [SimpleNamespace(recipe=dict(features=limits(f)), references=f) for f in found]


def test_most_networks_have_to_find_an_image_far():
    known, found = together(several(3))
    far = Far(known['features'], found, 'cpu')
    near, off = torch.tensor([[1., 0, 0, 0]]), torch.tensor([[0., 1, 0, 0]])
    assert far([near, near, off]) == [None]
    assert far([near, off, off]) == ['farther from the validation images than 99% of them are, in the features of 2 of 3 networks']
    assert list(found) == [f'{name}_{i}' for i in (1, 2, 3) for name in ('features', 'labels')] and known['heat'] is None
    one = several(1)[0]
    alone = Far(one.recipe['features'], one.references, 'cpu')
    assert [o and o.split(', in ')[1] for o in alone([torch.cat([near, off])])] == [None, "the network's own features"]


def test_where_one_network_has_none_nothing_is_said_of_any():
    one, other = several(2)
    other.recipe['features'], other.references = None, {}
    assert together([one, other]) == (dict(features=None, heat=None), {})
    assert Far(None, {}, 'cpu')([torch.zeros(3, 4)]) == [None] * 3


def test_references_are_of_valid_evenly_chosen_of_length_1_and_without_a_name(small, monkeypatch):
    from pneumo_fastai.models import zoo
    monkeypatch.setattr(features, 'MOST', 60)
    rng, net = np.random.default_rng(0), zoo.build('resnet18').train()
    pixels = {f'/secret/{i}.png': rng.integers(0, 255, (32, 32), np.uint8) for i in range(90)}
    table = pd.DataFrame(dict(path=list(pixels), label=[i < 30 for i in range(90)]))
    found = references(net, pixels, table, (.4, .2))
    assert found['features_1'].shape == (60, 8) and found['features_1'].dtype == np.float16 and net.training
    np.testing.assert_allclose(np.linalg.norm(found['features_1'].astype(float), axis=1), 1, atol=2e-3)
    assert found['labels_1'].sum() == 20 and sorted(found) == ['features_1', 'labels_1']
    x = torch.from_numpy(pixels['/secret/0.png']).float().div(255).sub(.4).div(.2)[None, None]
    with torch.no_grad(): pooled = net.eval().features(x).mean((2, 3))[0]
    np.testing.assert_allclose(found['features_1'][0], pooled / pooled.norm(), atol=2e-3)
    assert references(net, pixels, table[:FEWEST - 1], (.4, .2)) == {}
