import numpy as np
import pytest
from sklearn import metrics as sk

from pneumo_fastai.evaluation import metrics as M

Y, P = [0, 0, 0, 1, 1], [.1, .6, .2, .7, .4]  # at 0.5: tn 2, fp 1, fn 1, tp 1


def sample(seed, n=200, decimals=2):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    return y, np.round(1/(1 + np.exp(-rng.normal(y, 1))), decimals)  # rounded, so that there are ties


def test_hand_worked():
    assert M.confusion(Y, P, .5) == (2, 1, 1, 1)
    assert M.value('accuracy', Y, P) == pytest.approx(3/5)
    assert M.value('precision', Y, P) == M.value('recall', Y, P) == M.value('f1', Y, P) == .5
    assert M.value('specificity', Y, P) == pytest.approx(2/3)
    assert M.value('balanced_accuracy', Y, P) == pytest.approx(7/12)
    assert M.value('auroc', Y, P) == pytest.approx(5/6)  # of 6 pairs one is in the wrong order
    assert M.value('average_precision', Y, P) == pytest.approx(1/2 + (2/3)/2)


@pytest.mark.parametrize('seed', range(5))
def test_agrees_with_scikit_learn(seed):
    y, p = sample(seed)
    called = p >= .4
    assert M.confusion(y, p, .4) == tuple(sk.confusion_matrix(y, called).ravel())
    peers = dict(accuracy=sk.accuracy_score, balanced_accuracy=sk.balanced_accuracy_score, precision=sk.precision_score,
                 recall=sk.recall_score, f1=sk.f1_score)
    for name, peer in peers.items(): assert M.value(name, y, p, .4) == pytest.approx(peer(y, called))
    assert M.value('specificity', y, p, .4) == pytest.approx(sk.recall_score(1 - y, ~called))
    assert M.value('npv', y, p, .4) == pytest.approx(sk.precision_score(1 - y, ~called))
    assert M.value('mcc', y, p, .4) == pytest.approx(sk.matthews_corrcoef(y, called))


@pytest.mark.parametrize('y, p, undefined', [
    ([], [], set(M.METRICS)),
    ([0, 0], [.1, .2], {'balanced_accuracy', 'precision', 'recall', 'f1', 'auroc', 'average_precision'}),
    ([1, 1], [.1, .2], {'balanced_accuracy', 'precision', 'specificity', 'auroc'}),
    ([0, 1], [.1, .2], {'precision'}),
    ([0, 1], [.1, .9], set()),
])
def test_undefined_is_none(y, p, undefined):
    values = M.measure(y, p, .5)
    assert {k for k in M.METRICS if values[k] is None} == undefined
    assert {k for k in M.RANKS if values[k] is None} == ({'average_precision'} & undefined | set(M.RANKS) - {'average_precision'}
                                                         if 'auroc' in undefined else set())
    assert not any(v is not None and np.isnan(v) for v in values.values())
    assert all(M.value(k, y, p) == values[k] for k in M.EVERY)


def test_npv_mcc_by_hand():
    assert M.value('npv', Y, P) == pytest.approx(2/3) and M.value('mcc', Y, P) == pytest.approx((1*2 - 1*1)/np.sqrt(2*2*3*3))
    assert M.value('npv', [1, 0], [.6, .7]) is None and M.value('mcc', [1, 0], [.6, .7]) is None


def test_predictive_values_by_bayes():
    y, p = sample(0, 500)
    found = M.measure(y, p, .4)
    assert M.predictive_values(found['recall'], found['specificity'], y.mean()) == pytest.approx((found['precision'], found['npv']))
    assert M.predictive_values(.9, .9, .01)[0] == pytest.approx(1/12)  # where it is rare, eleven of twelve calls are wrong
    assert np.isnan(M.predictive_values(0., 1., .5)[0])


def test_measure_keeps_its_order():
    values = M.measure(Y, P, .5)
    assert list(values) == ['n', 'prevalence', 'threshold', 'tn', 'fp', 'fn', 'tp', *M.EVERY]
    assert values['n'] == sum(values[k] for k in ('tn', 'fp', 'fn', 'tp')) == 5 and values['prevalence'] == .4


def test_youden_lies_between_the_scores():
    assert M.youden_threshold([0, 0, 1, 1], [.1, .2, .6, .9]) == pytest.approx(.4)


def test_youden_takes_the_lowest_of_equals():
    # calling .4 and above, or .8 and above, both reach J = 1/2
    assert M.youden_threshold([0, 1, 0, 1], [.2, .4, .6, .8]) == pytest.approx(.3)


@pytest.mark.parametrize('seed', range(20))
def test_youden_is_the_best_of_all_thresholds(seed):
    y, p = sample(seed, 40, decimals=1)
    t = M.youden_threshold(y, p)
    fpr, tpr, _ = sk.roc_curve(y, p, drop_intermediate=False)
    assert M.value('recall', y, p, t) + M.value('specificity', y, p, t) - 1 == pytest.approx((tpr - fpr).max())
    assert t not in p or t == 0


def test_youden_of_useless_scores_calls_all_positive():
    assert M.youden_threshold([0, 1], [.9, .1]) == .05  # midway between 0 and the lowest
    for p in ([.5, .5], [.9, .1], [0, 0]): assert M.confusion([0, 1], p, M.youden_threshold([0, 1], p)) == (0, 1, 0, 1)


def test_youden_survives_neighbouring_floats_and_rounding():
    low, high = .5, np.nextafter(.5, 1)
    assert M.confusion([0, 1], [low, high], M.youden_threshold([0, 1], [low, high])) == (1, 0, 0, 1)
    y, p = sample(3, 100, decimals=3)
    t = M.youden_threshold(y, p + 1e-5*(p < 1))
    assert M.confusion(y, p, t) == M.confusion(y, p + 1e-5*(p < 1), t)


def test_youden_needs_both_classes():
    assert M.youden_threshold([1, 1], [.2, .3]) is None and M.youden_threshold([], []) is None
