import numpy as np
import pytest
from sklearn import metrics as sk

from pneumo_fastai.evaluation.intervals import ranks


@pytest.mark.parametrize('seed', range(5))
def test_agrees_with_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 200)
    p = np.round(1/(1 + np.exp(-rng.normal(y, 1))), 2)  # rounded, so that there are ties
    assert ranks.auroc(y, p) == pytest.approx(sk.roc_auc_score(y, p))
    assert ranks.average_precision(y, p) == pytest.approx(sk.average_precision_score(y, p))
    assert ranks.partial_auc(y, p) == pytest.approx(sk.roc_auc_score(y, p, max_fpr=.1))
    fpr, tpr, _ = sk.roc_curve(y, p, drop_intermediate=False)
    for s in (.9, .95):
        assert ranks.sensitivity_at_specificity(y, p, s) == pytest.approx(tpr[1 - fpr >= s - 1e-12].max())
        assert ranks.specificity_at_sensitivity(y, p, s) == pytest.approx(1 - fpr[tpr >= s - 1e-12].min())


def test_ranks_by_hand():
    y, p = [0]*10 + [1]*4, [.05, .1, .15, .2, .25, .3, .35, .4, .45, .75, .5, .6, .7, .8]
    assert ranks.sensitivity_at_specificity(y, p, .9) == 1 and ranks.sensitivity_at_specificity(y, p, .95) == .25
    assert ranks.specificity_at_sensitivity(y, p, .9) == .9
    area = .1*.25  # up to the one false alarm in ten, a quarter is found
    assert ranks.partial_auc(y, p) == pytest.approx((1 + (area - .005)/(.1 - .005))/2)
    assert ranks.partial_auc([0, 1], [.1, .9]) == 1 and ranks.partial_auc([0, 1], [.5, .5]) == pytest.approx(.5)  # best, and chance


def test_every_way_to_cut_the_scores_is_there_once():
    y, p = np.array([0, 1, 1, 0]), np.array([.2, .2, .8, 1.])
    thresholds, tp, fp = ranks.cuts(y, p)
    assert thresholds[:3] == pytest.approx([.1, .5, .9]) and thresholds[3] > 1  # past a score of 1 nobody is called
    assert [(int(((p >= t) & (y == 1)).sum()), int(((p >= t) & (y == 0)).sum())) for t in thresholds] == [*zip(tp, fp, strict=True)]
