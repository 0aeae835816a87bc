import numpy as np
import pytest
import torch
from scipy.stats import spearmanr, ttest_1samp

from pneumo_fastai.explain.sanity import cascade, rank_correlation, similarity, ssim, stages
from pneumo_fastai.models.architectures.resnet18 import ResNet18


def maps(seed, n=3): return np.random.default_rng(seed).random((n, 24, 24))


def test_rank_correlation_is_scipys_and_undefined_for_a_flat_map():
    a, b = maps(0), maps(1) + maps(0)
    assert rank_correlation(a, b) == pytest.approx([spearmanr(x.ravel(), y.ravel()).statistic for x, y in zip(a, b, strict=True)])
    a[1] = 0
    assert similarity(a, b, [1, 2, 3])['flat'] == 1 and np.isnan(rank_correlation(a, b)[1])


def test_the_mean_over_images_has_an_interval_over_patients():
    "Of maps that share nothing it holds 0; a flat map, and its patient, take no part."
    a, b, patient = maps(0, 20), maps(1, 20), np.arange(20)//2
    for mixed, zero in ((b, True), (b + .3*a, False)):
        rank, each = similarity(a, mixed, patient)['rank_correlation'], rank_correlation(a, mixed).reshape(10, 2).mean(1)
        expected = ttest_1samp(each, 0).confidence_interval()
        assert [rank['low'], rank['high']] == pytest.approx([expected.low, expected.high]) and (rank['low'] <= 0 <= rank['high']) == zero
    a[2:] = 0
    alone = similarity(a, b, patient)['rank_correlation']
    assert alone['low'] is None and alone['mean'] == pytest.approx(rank_correlation(a, b)[:2].mean())


def test_ssim_is_scikit_images():
    structural = pytest.importorskip('skimage.metrics', reason='scikit-image is not installed').structural_similarity
    a, b = maps(0), .5 * maps(1) + .5 * maps(0)
    peer = [structural(x, y, data_range=1, gaussian_weights=True, use_sample_covariance=False, full=True)[1].mean()
            for x, y in zip(a, b, strict=True)]
    assert ssim(a, b) == pytest.approx(peer, abs=1e-6)
    assert ssim(a, a) == pytest.approx(np.ones(3))


def test_the_cascade_goes_from_the_output_to_the_input_and_leaves_the_model_alone():
    torch.manual_seed(0)
    model, fresh = ResNet18().eval(), ResNet18().eval()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    assert next(o[0] for o in stages(model)) == 'fc' and len(stages(model)) == 11
    x, seen = torch.randn(2, 1, 64, 64), []
    for block, changed in cascade(model, fresh):
        same = {k for k, v in changed.state_dict().items() if torch.equal(v, before[k])}
        seen.append(block)
        if block == 'layer4.1': assert 'layer4.1.conv1.weight' not in same and 'layer4.0.conv1.weight' in same
    assert seen[0] == 'fc' and seen[1] == 'layer4.1' and seen[-1] == 'conv1'
    assert torch.equal(changed(x), fresh(x)) and not torch.equal(model(x), fresh(x))
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
