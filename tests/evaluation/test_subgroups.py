import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation import metrics as M
from pneumo_fastai.evaluation import subgroups
from pneumo_fastai.evaluation.intervals.levels import of_auroc
from pneumo_fastai.evaluation.settings import Settings

CHOICES = Settings(n_boot=60)


def cohort(n=400, seed=0):
    rng = np.random.default_rng(seed)
    view = np.where(rng.random(n) < .5, 'AP', 'PA')
    y = (rng.random(n) < np.where(view == 'AP', .6, .15)).astype(int)
    boxes = [[[1., 2., float(rng.integers(20, 90)), 50.]]*rng.integers(1, 5) if v else [] for v in y]
    detail = np.where(y == 1, 'Lung Opacity', np.where(rng.random(n) < .5, 'Normal', 'No Lung Opacity / Not Normal'))
    return pd.DataFrame(dict(path=[f'{i:03}.dcm' for i in range(n)], patient=[f'p{i//2}' for i in range(n)], label=y,
                             split=np.where(np.arange(n) < 100, 'train', 'test'), view=view, age=rng.integers(1, 99, n).astype(float),
                             sex=np.where(rng.random(n) < .5, 'F', 'M'), detail=detail, boxes=boxes))


def test_rows(table, seed=1):
    rng = np.random.default_rng(seed)
    rows = table.loc[table.split == 'test', ['path', 'patient', 'label', 'view']]
    p = 1/(1 + np.exp(-rng.normal(1.5*rows.label - 1 + (rows.view == 'AP'), 1)))
    return rows.drop(columns='view').assign(probability=p.round(2))  # rounded, so that there are ties


test_rows.__test__ = False


def blocks(got, name): return {g['group']: g for g in got['by'][name]['groups']}


def test_groups_are_measured_by_themselves():
    table = cohort()
    rows = test_rows(table)
    got = json.loads(json.dumps(subgroups.subgroups(rows, table, .4, CHOICES), allow_nan=False))
    assert list(got['by']) == list(subgroups.ABOUT) and not got['left_out']
    full = rows.merge(table[['path', 'view', 'sex']], on='path')
    for name in ('view', 'sex'):
        assert sum(g['n'] for g in blocks(got, name).values()) == len(rows)
        for group, block in blocks(got, name).items():
            part = full[full[name] == group]
            assert block['n'] == len(part) and block['patients'] == part.patient.nunique() and block['prevalence'] == part.label.mean()
            assert block['auroc']['value'] == pytest.approx(roc_auc_score(part.label, part.probability))
            assert block['recall']['value'] == M.value('recall', part.label, part.probability, .4)
            assert block['specificity']['value'] == M.value('specificity', part.label, part.probability, .4)
            for k in ('auroc', 'recall', 'specificity'): assert block[k]['low'] < block[k]['value'] < block[k]['high']


def test_groups_of_one_label_are_set_against_the_other():
    table = cohort()
    rows = test_rows(table)
    got = subgroups.subgroups(rows, table, .4, CHOICES)
    full = rows.merge(table[['path', 'detail', 'boxes']], on='path')
    one = full[(full.label == 0) | (full.boxes.map(len) == 1)]
    assert blocks(got, 'number_of_boxes')['1']['auroc']['value'] == pytest.approx(roc_auc_score(one.label, one.probability))
    normal = full[(full.label == 1) | (full.detail == 'Normal')]
    block = blocks(got, 'detail')['Normal']
    assert block['auroc']['value'] == pytest.approx(roc_auc_score(normal.label, normal.probability))
    assert block['recall']['value'] is None and block['recall']['reason'] == 'not defined, because no image is positive'
    assert list(blocks(got, 'number_of_boxes')) == ['1', '2', '3 or more'] and got['by']['detail']['within'] is None
    assert sum(g['n'] for g in blocks(got, 'box_area').values()) == full.label.sum()
    pooled = sum(g['auroc']['value']*g['n'] for g in blocks(got, 'box_area').values())/full.label.sum()
    assert pooled == pytest.approx(roc_auc_score(full.label, full.probability))  # the positives' groups make up the whole


def test_intervals_are_those_of_the_groups_alone():
    table = cohort(160)
    rows = test_rows(table)
    y, p, patient, view = rows.label.to_numpy(), rows.probability.to_numpy(), rows.patient.to_numpy(), table.view[rows.index].to_numpy()
    boxes, got = table.boxes[rows.index].map(len).to_numpy(), subgroups.subgroups(rows, table, .4, CHOICES)
    for found, mask in ((blocks(got, 'view')['AP'], view == 'AP'), (blocks(got, 'number_of_boxes')['1'], (y == 0) | (boxes == 1))):
        assert {k: found['auroc'][k] for k in ('low', 'high')} == pytest.approx(of_auroc(patient[mask], y[mask], p[mask])[1])


def test_within_view_takes_the_view_out():
    table = cohort(2000)
    rows = test_rows(table)
    rows['probability'] = np.where(table.view[rows.index] == 'AP', .7, .2) + .001*np.random.default_rng(0).random(len(rows))
    assert roc_auc_score(rows.label, rows.probability) > .65  # the view alone
    within = subgroups.subgroups(rows, table, .5, CHOICES)['by']['view']['within']
    assert within['value'] == pytest.approx(.5, abs=.05) and within['low'] < .5 < within['high']


def test_order_of_groups():
    names = ['75 and older', 'below 1,200', 'not stated', '18 to 39', '1,200 to 12,000', '0 to 17', '12,000 and above']
    assert sorted(names, key=subgroups.by_first_number) == ['below 1,200', '0 to 17', '18 to 39', '75 and older', '1,200 to 12,000',
                                                    '12,000 and above', 'not stated']


def test_small_groups_are_marked():
    table = cohort()
    table.loc[table.index[-5:], 'view'] = 'LL'
    got = subgroups.subgroups(test_rows(table), table, .4, CHOICES)
    assert blocks(got, 'view')['LL']['small'] and not blocks(got, 'view')['AP']['small'] and got['small_below'] == 30
    assert not blocks(got, 'detail')['Normal']['small']  # it holds no positive, and needs none


def test_what_the_data_do_not_say_is_left_out():
    table = cohort().assign(view=None, age=np.nan, sex=None, detail=None, boxes=[[]]*400)
    got = subgroups.subgroups(test_rows(cohort()), table, .4, CHOICES)
    assert got['by'] == {} and got['left_out'] == list(subgroups.ABOUT)
    table['view'] = ['AP'] + [None]*399
    assert 'view' not in subgroups.subgroups(test_rows(cohort()), table, .4, CHOICES)['by']  # stated in train alone
    table.loc[399, 'view'] = 'AP'
    assert set(blocks(subgroups.subgroups(test_rows(cohort()), table, .4, CHOICES), 'view')) == {'AP', 'not stated'}


def test_a_cohort_of_another_run():
    table = cohort()
    with pytest.raises(InputError, match='300 images of test are not'): subgroups.subgroups(test_rows(table), table.head(100), .4, CHOICES)
    with pytest.raises(InputError, match='twice'): subgroups.subgroups(test_rows(table), pd.concat([table, table]), .4, CHOICES)
