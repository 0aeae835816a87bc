import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from pneumo_fastai.evaluation import metrics as M
from pneumo_fastai.evaluation.intervals.counts import NO_CALL, NO_IMAGE, NO_POSITIVE, ONE_CLASS
from pneumo_fastai.evaluation.intervals.estimates import about, balanced, blocks, rates_block, reason


def table(n=200, seed=0):
    y = (np.arange(n)//4 % 3 == 0).astype(int)
    return pd.DataFrame(dict(patient=np.arange(n)//4, label=y, probability=1/(1 + np.exp(-np.random.default_rng(seed).normal(2*y - 1)))))


def halves(rows, thresholds, n_boot=20, seed=0): return balanced(rows, blocks(rows, thresholds, n_boot, seed), n_boot, seed)


@pytest.mark.parametrize('threshold', [.4, np.linspace(.2, .8, 200)], ids=['one', 'each its own'])
def test_a_block_holds_what_measure_says_and_its_interval(threshold):
    rows = table()
    y, p, block = rows.label, rows.probability, blocks(rows, {'x': threshold}, 20, 0, prevalence=.1)['x']
    plain = M.measure(y, p) | M.rates(*M.confusion(y, p, threshold))
    assert {k: block[k]['value'] for k in M.EVERY} == pytest.approx({k: float(plain[k]) for k in M.EVERY})
    assert all(block[k]['low'] < block[k]['value'] < block[k]['high'] for k in M.EVERY)
    assert block['threshold'] == (.4 if np.ndim(threshold) == 0 else None) and about(rows) == {k: block[k] for k in about(rows)}
    for k, bayes in zip(('precision', 'npv'), M.predictive_values(plain['recall'], plain['specificity'], .1), strict=True):
        assert block['at_prevalence'][k]['value'] == pytest.approx(float(bayes))


def test_a_prevalence_of_one_class_says_why():
    found = rates_block(table().assign(label=0), .5, prevalence=.1)['at_prevalence']['precision']
    assert found['value'] is None and found['reason'] == f'not defined, because {ONE_CLASS}'
    none = rates_block(table(), 1.1, prevalence=.1)['at_prevalence']['precision']
    assert none['value'] is None and none['reason'] == f'not defined, because {NO_CALL}'
    assert reason('recall', 3, 1, 0, 0) == NO_POSITIVE and reason('auroc', 0, 0, 0, 0) == NO_IMAGE
    assert halves(table().assign(label=1), {'x': .5}) == dict(reason=f'not defined, because {ONE_CLASS}')


def test_at_a_prevalence_of_one_half():
    "As if every positive were there as often as there are negatives, and the reverse: scikit-learn's weights."
    test = table()
    got = halves(test, dict(at_threshold=.4, half=.5))
    y, p = test.label.to_numpy(), test.probability.to_numpy()
    w = np.where(y == 1, (y == 0).sum(), (y == 1).sum())
    for at, half in ((k, got[k]) for k in ('at_threshold', 'half')):
        call = p >= half['threshold']
        peers = dict(accuracy=sk.accuracy_score, precision=sk.precision_score, recall=sk.recall_score, f1=sk.f1_score,
                     mcc=sk.matthews_corrcoef)
        for k, peer in peers.items(): assert half[k]['value'] == pytest.approx(peer(y, call, sample_weight=w)), (at, k)
        assert half['npv']['value'] == pytest.approx(sk.precision_score(1 - y, ~call, sample_weight=w))
        assert half['average_precision']['value'] == pytest.approx(sk.average_precision_score(y, p, sample_weight=w))
        assert half['auroc']['value'] == pytest.approx(sk.roc_auc_score(y, p)) and half['prevalence'] == .5 and half['n'] == len(test)
    first, second = (halves(test, {'x': .4}, 60, seed)['x'] for seed in (0, 1))  # nothing is drawn
    assert all(first[k] == second[k] for k in ('accuracy', 'precision', 'npv', 'f1', 'mcc', 'auroc', 'recall'))


def test_one_half_changes_nothing_where_it_is_so_already():
    rows = table().assign(label=np.arange(200) // 4 % 2)
    found = blocks(rows, {'x': .4}, 20, 0)
    for k in M.EVERY: assert balanced(rows, found, 20, 0)['x'][k]['value'] == pytest.approx(found['x'][k]['value'])
