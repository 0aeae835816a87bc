import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.experiment import load_experiment
from pneumo_fastai.report.tables.recipes import tables
from pneumo_fastai.runs.search import search

FEW = Settings(n_boot=20)
GPU = dict(device='cuda:0', processor='a Xeon', threads=8)
SMALL = dict(size=64, epochs=2)


@pytest.fixture(scope='module')
def found(tmp_path_factory, write_trained):
    here = tmp_path_factory.mktemp('study')
    for seed in (0, 1): write_trained(here/f'w{seed}', seed=seed, tta=seed, **SMALL)
    write_trained(here/'fast', seed=2, lr=1e-3, hardware=GPU, training=False, **SMALL)
    write_trained(here/'maps', 'gradcam', seed=3, **SMALL)
    write_trained(here/'long', seed=4, size=64, epochs=3)
    write_trained(here/'fewer', seed=5, n=240, **SMALL)
    write_trained(here/'dark', seed=6, n=240, held_out='dark', **SMALL)
    return search([here])


@pytest.fixture(scope='module')
def told(found): return tables(found.runs, FEW)


def auroc(one, split='test'):
    rows = one.run.predictions.query(f'split == "{split}"')
    return roc_auc_score(rows.label, rows.probability)


def test_a_table_for_each_cohort_size_and_number_of_epochs(told):
    assert [(t['data'], t['size'], t['epochs'], len(t['rows'])) for t in told] == [
        ('films (300 images)', 64, 2, 3), ('films (300 images)', 64, 3, 1), ('films (240 images)', 64, 2, 1),
        ('films (240 images)', 64, 2, 1)]
    assert [t['held_out'] for t in told] == ['none']*3 + ['dark'] and told[-1]['reference'] == 'weighted'
    assert {t['named'] for t in told} == {'films'} and json.loads(json.dumps(told)) == told


def test_what_is_as_it_is_shipped_is_compared_at_whatever_size_and_number_of_epochs(tmp_path, write_trained):
    for seed in (0, 1): write_trained(tmp_path/f'w{seed}', seed=seed)
    write_trained(tmp_path/'typed', seed=2, **{k: getattr(load_experiment('localise')[1], k) for k in (
        'output_stride', 'epochs', 'lr', 'crop', 'box_guidance')})  # localise, by another name
    write_trained(tmp_path/'mine', seed=3, epochs=12)
    own, at_12 = tables(search([tmp_path]).runs, FEW)
    assert (own['size'], own['epochs'], own['held_out']) == (None, None, 'none')
    named = [('weighted, 224 px, 20 epochs', 2), ('localise, 224 px, 12 epochs', 1)]
    assert [(r['name'], len(r['repetitions'])) for r in own['rows']] == named
    assert own['reference'] == own['rows'][0]['name'] and own['rows'][1]['difference']['value'] is not None
    assert [r['name'] for r in at_12['rows']] == ['weighted', 'localise'] and at_12['epochs'] == 12  # beside what it is compared with there


def test_what_is_as_shipped_at_one_size_has_no_table_of_its_own(tmp_path, write_trained):
    for seed, lr in enumerate((1e-4, 1e-3)): write_trained(tmp_path/f'{seed}', seed=seed, lr=lr)
    t, = tables(search([tmp_path]).runs, FEW)
    assert (t['size'], t['epochs']) == (224, 20) and [r['name'] for r in t['rows']] == ['weighted', 'weighted, lr 0.001']


def test_differences_are_from_the_experiment_that_is_asked_for(found, told):
    t = tables(found.runs, FEW, 'gradcam')[0]
    assert t['reference'] == t['rows'][0]['name'] == t['compared'] == 'gradcam'
    there, back = ({r['name']: r['difference'] for r in o['rows']} for o in (told[0], t))
    assert back['weighted']['value'] == -there['gradcam']['value'] != 0
    assert tables(found.runs, FEW, 'fast')[0]['reference'] is None


def test_recipes_are_counted_by_what_is_learnt(told):
    assert [t['looked_at'] for t in told] == [3, 3, 2, 2]  # gradcam is weighted, measured otherwise


def test_seeds_are_one_row_however_they_are_measured_and_the_reference_is_first(told, found):
    first, *others = told[0]['rows']
    pair = [one for one in found.runs if one.at.endswith(('w0', 'w1'))]
    assert first['name'] == told[0]['reference'] == 'weighted' and len(first['repetitions']) == 2
    for split, key in dict(valid='valid', test='auroc').items():
        each = [auroc(one, split) for one in pair]
        assert first['values'][key]['by_repetition'] == pytest.approx(each)
        assert (first['values'][key]['mean'], first['values'][key]['sd']) == pytest.approx((np.mean(each), np.std(each, ddof=1)))
    assert first['ends']['low'] < first['values']['auroc']['mean'] < first['ends']['high'] and first['difference'] is None
    assert [r['values']['auroc']['sd'] for r in others] == [None, None]
    assert {r['name'] for r in others} == {'weighted, lr 0.001', 'gradcam'}
    valid = [r['values']['valid']['mean'] for r in others]
    assert valid == sorted(valid, reverse=True)
    for r in others:
        value = r['values']['auroc']['mean'] - first['values']['auroc']['mean']
        assert r['difference']['value'] == pytest.approx(value) and r['difference']['p'] <= r['difference']['holm']


def test_valid_chooses_among_the_rows_with_the_most_seeds(told): assert told[0]['chosen'] == 0


def test_numbers_at_the_threshold_are_those_of_the_run(told, found):
    one = next(one for one in found.runs if one.at.endswith('fast'))
    row = next(r for r in told[0]['rows'] if 'lr' in r['name'])
    for m in ('recall', 'f1'): assert row['values'][m]['mean'] == one.metrics['test']['at_threshold'][m]['value']
    assert row['values']['ece_calibrated']['mean'] == one.metrics['calibration']['after']['ece']
    assert told[0]['views'][0] == one.metrics['baseline']['view']['auroc'] and told[0]['rules'] == ['youden on valid']


def test_what_a_run_does_not_say_is_named_and_heatmaps_that_were_not_scored_are_not(told):
    lacking = {r['name']: list(r['lacking']) for r in told[0]['rows']}
    assert lacking.pop('weighted, lr 0.001') == ['minutes', 'images_per_second'] and not any(lacking.values())
    assert {h for r in told[0]['rows'] for h in r['hardware']} == {'cpu, a Xeon, float32, 1 thread', 'cuda:0, a Xeon, float32, 8 threads'}
    assert told[0]['rows'][0]['values']['minutes']['mean'] == pytest.approx(1.5)


def test_older_metrics_lack_what_they_lack(tmp_path, write_trained):
    one = search([write_trained(tmp_path/'old', **SMALL)])
    metrics = one.runs[0].metrics
    del metrics['calibration'], metrics['baseline'], metrics['test']['at_threshold']['average_precision']
    metrics['threshold'] = .5
    (tmp_path/'old'/'localization.json').write_text('{"layers": []}')
    t, = tables(one.runs, FEW)
    assert list(t['rows'][0]['lacking']) == ['average_precision', 'ece', 'ece_calibrated', 'pointing', 'heat_auprc']
    assert t['views'] == [] == t['rules'] and t['rows'][0]['values']['f1']['mean'] is not None


def test_a_seed_that_occurs_twice_is_a_row_for_each_hardware(tmp_path, write_trained):
    for i, hardware in enumerate(({}, GPU)):
        for seed in (0, 1): write_trained(tmp_path/f'{i}-{seed}', seed=seed, draw=2*i + seed, hardware=hardware, **SMALL)
    t, = tables(search([tmp_path]).runs, FEW)
    assert [len(r['repetitions']) for r in t['rows']] == [2, 2] and {*t['rows'][0]['hardware'], *t['rows'][1]['hardware']} == {
        'cpu, a Xeon, float32, 1 thread', 'cuda:0, a Xeon, float32, 8 threads'}
    assert len({r['name'] for r in t['rows']}) == 2 and t['reference'] == t['rows'][0]['name'] and t['looked_at'] == 1


def test_two_data_sets_of_one_name_and_size_are_two_and_a_copy_elsewhere_is_one(found):
    pair = [one for one in found.runs if one.at.endswith(('w0', 'w1'))]
    assert [t['data'] for t in tables(pair, FEW)] == ['films']
    other = replace(pair[1], run=replace(pair[1].run, cohort=pair[1].run.cohort.assign(patient='another')))
    assert [t['data'] for t in tables([pair[0], other], FEW)] == [f'films (300 images), cohort {k}' for k in (1, 2)]
