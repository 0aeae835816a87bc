import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from pneumo_fastai.evaluation.intervals.levels import of_auroc, of_difference
from pneumo_fastai.evaluation.repetitions import measured
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.evaluation.shift import beyond_valid, on_shared

FEW = Settings(n_boot=60)


def predictions(seed, test, gain=1.5, n=200):
    "Two images of each of n/2 patients; those for whom `test` holds are in test, the others in valid."
    rng, k = np.random.default_rng(seed), np.arange(n)//2
    label = (k % 3 == 0).astype(int)
    table = pd.DataFrame(dict(path=[f'{i}' for i in range(n)], patient=[f'p{p}' for p in k], label=label,
                              split=np.where(test(k), 'test', 'valid'), probability=1/(1 + np.exp(-rng.normal(gain*label, 1)))))
    return table


def block(table, split): return measured({0: table}, split, FEW)
def rows(table, split): return table[table['split'] == split]


def test_what_is_lost_is_the_difference_of_two_sets_of_patients():
    table = predictions(0, lambda k: k < 40)
    found = beyond_valid(block(table, 'valid'), block(table, 'test'))
    each = []
    for split in ('test', 'valid'):
        auroc, ends = of_auroc(*(rows(table, split)[c] for c in ('patient', 'label', 'probability')))
        each.append(dict(value=auroc, **ends))
    assert found == pytest.approx(of_difference(*each)) and found['low'] < found['value'] < found['high']


def test_the_difference_is_on_the_images_of_both_tests_alone_in_each_repetition():
    "The random test of a repetition moves with it; what is not shared is made useless, which must not matter."
    seen = {s: predictions(s, lambda k, s=s: k % 5 != s) for s in range(3)}
    without = {s: predictions(10 + s, lambda k: k < 60, gain=.5) for s in range(3)}
    found = on_shared(without, seen, FEW)
    both = [without[s].merge(seen[s], on='path').query('split_x == "test" and split_y == "test"') for s in range(3)]
    by_hand = [roc_auc_score(t.label_x, t.probability_x) - roc_auc_score(t.label_x, t.probability_y) for t in both]
    assert found['value'] == pytest.approx(np.mean(by_hand)) and found['n'] == len(both[0]) and found['high'] < 0
    for t in (*seen.values(), *without.values()):
        alone = ~t.path.isin(set.union(*(set(b.path) for b in both)))
        t.loc[alone, 'probability'] = 1. - t.label[alone]
    assert on_shared(without, seen, FEW) == found


def test_without_shared_images_or_repetitions_it_says_why():
    low, high = {0: predictions(0, lambda k: k < 40)}, {0: predictions(1, lambda k: k >= 40)}
    found = on_shared(low, high, FEW)
    assert (found['value'], found['n']) == (None, 0) and found['reason'] == 'not defined, because the images are all of one class'
    assert on_shared(low, {7: high[0]}, FEW)['reason'] == 'one of the two has no repetition'
    one_class = low[0].assign(label=np.where(low[0]['split'] == 'test', 1, low[0].label))
    assert beyond_valid(block(low[0], 'valid'), block(one_class, 'test'))['value'] is None
    json.dumps(found, allow_nan=False)
