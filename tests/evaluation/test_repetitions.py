import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation import repetitions as R
from pneumo_fastai.evaluation.comparison import delong_test
from pneumo_fastai.evaluation.intervals.bootstrap import patient_counts
from pneumo_fastai.evaluation.intervals.levels import of_auroc
from pneumo_fastai.evaluation.settings import Settings

FEW = Settings(n_boot=60)


def predictions(seed, gain=1., n=120, first=0):
    "Two images a patient; `first` moves which patients there are."
    rng, i = np.random.default_rng(seed), np.arange(n)
    label = ((i//2 + first) % 3 == 0).astype(int)
    p = 1/(1 + np.exp(-rng.normal(gain*label, 1)))
    return pd.DataFrame(dict(path=[f'{k + 2*first}' for k in i], patient=[f'p{k//2 + first}' for k in i],
                             split=np.array(['valid', 'test'])[i//2 % 2], label=label, probability=p))


def test_holm_is_the_calculation_by_hand():
    "Of 0.01, 0.04, 0.03, 0.005: 4 x 0.005, 3 x 0.01, 2 x 0.03, and 0.04, which must not be below the one before it."
    assert R.holm([.01, .04, .03, .005]) == pytest.approx([.03, .06, .06, .02])
    assert R.holm([None, .02, .02]) == [None, .04, .04] and R.holm([.6, .7]) == [1., 1.] and R.holm([]) == []


def test_mean_and_sd_are_over_the_repetitions_each_at_its_own_threshold():
    each = {s: predictions(s) for s in range(3)}
    found = R.measured(each, 'valid', FEW)
    values = [roc_auc_score(*(t.query('split == "valid"')[k] for k in ('label', 'probability'))) for t in each.values()]
    auroc = found['metrics']['auroc']
    assert auroc['by_repetition'] == pytest.approx(values) and auroc['mean'] == pytest.approx(np.mean(values))
    assert auroc['sd'] == pytest.approx(np.std(values, ddof=1)) and found['n'] == [60]*3 and found['patients'] == [30]*3
    assert R.measured({0: each[0]}, 'test', FEW)['metrics']['auroc']['sd'] is None
    json.dumps(found, allow_nan=False)


def test_the_interval_of_a_mean_is_that_of_one_repetition_where_all_are_alike():
    one, rows = predictions(0), predictions(0).query('split == "test"')
    alike = R.measured({0: one, 1: one, 2: one}, 'test', FEW)['metrics']['auroc']
    assert [alike['low'], alike['high']] == pytest.approx(list(of_auroc(rows.patient, rows.label, rows.probability)[1].values()))
    several = R.measured({s: predictions(s, .5*s) for s in range(4)}, 'test', FEW)['metrics']['auroc']
    assert several['low'] < several['mean'] < several['high']


@pytest.mark.parametrize('moved', [0, 5])
def test_the_difference_is_the_mean_of_the_differences_in_every_draw_of_patients(moved):
    "As by drawing the images of whole patients by hand; with `moved` patients, as another split_seed gives, the repetitions share some."
    a, b = ({s: predictions(10*s + k, gain, first=s*moved) for s in range(3)} for k, gain in enumerate((1.5, .5)))
    found = R.difference(a, b, 'valid', FEW)
    rows = [(a[s].query('split == "valid"').sort_values('path'), b[s].query('split == "valid"').sort_values('path')) for s in a]
    everyone = pd.factorize(pd.concat([r.patient for r, _ in rows]))[1]
    def mean(times): return np.mean([np.subtract(*(roc_auc_score(t.label, t.probability, sample_weight=t.patient.map(times)) for t in r))
                                     for r in rows])
    assert found['value'] == pytest.approx(mean(dict.fromkeys(everyone, 1))) and found['repetitions'] == [3, 3]
    by_hand = [mean(dict(zip(everyone, c.astype(float), strict=True))) for c in patient_counts(len(everyone), 60, 0)]
    assert [found['low'], found['high']] == pytest.approx(np.quantile(by_hand, [.025, .975]))
    assert found['standard_error'] == pytest.approx(np.std(by_hand), rel=.35)
    json.dumps(found, allow_nan=False)


def test_of_one_repetition_it_is_delongs_test():
    a, b = {0: predictions(0)}, {0: predictions(1, .2)}
    rows = a[0].assign(b=b[0].probability).query('split == "test"')
    known = delong_test(rows.patient, rows.label, rows.probability, rows.b)
    found = R.difference(a, b, 'test', FEW)
    assert [found[k] for k in ('value', 'standard_error', 'p')] == pytest.approx([known[k] for k in ('difference', 'standard_error', 'p')])


def test_differences_say_why_there_is_none():
    first, other = {0: predictions(0), 1: predictions(1)}, {0: predictions(2), 1: predictions(3)}
    cases = [first, other, {}, {0: predictions(2, first=9)}, first, {1: predictions(5, 0)}, {7: predictions(6)}]
    none, a, no_fellow, elsewhere, same, one, others = R.differences(cases, 'valid', FEW)
    assert none is None and (one['repetitions'], a['repetitions'], others['repetitions']) == ([1, 2], [2, 2], [1, 2])
    assert 'no repetition' in no_fellow['reason'] and 'the valid sets differ' in elsewhere['reason'] and 'does not vary' in same['reason']
    assert no_fellow['p'] is no_fellow['holm'] is same['holm'] is None and same['value'] == 0
    assert [o['holm'] for o in (a, one, others)] == pytest.approx(R.holm([o['p'] for o in (a, one, others)]))
    with pytest.raises(InputError, match='another label'): R.difference(first, {0: first[0].assign(label=1 - first[0].label)}, 'valid', FEW)


def test_one_class_has_no_difference():
    healthy = {0: predictions(0).assign(label=0)}
    found = R.difference(healthy, healthy, 'valid', FEW)
    assert found['value'] is found['p'] is None and 'one class' in found['reason']


def test_the_best_is_that_of_valid_among_those_that_are_whole():
    def row(*values): return dict(n=[1]*len(values), metrics=dict(auroc=dict(mean=np.mean(values) if values else None)))
    assert R.best([row(.8, .8), row(.9, .8), row(.85, .8)], [2, 2, 2]) == 1
    assert R.best([row(.8, .8), row(.99)], [2, 2]) == 0 and R.best([row(.8), row(.99)], [2, 2]) == 1
    assert R.best([row(), row()], [2, 2]) is None
