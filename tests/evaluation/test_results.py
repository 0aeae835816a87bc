import json
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation import metrics as M
from pneumo_fastai.evaluation.results import evaluate
from pneumo_fastai.evaluation.settings import Settings


def test_threshold_is_chosen_on_valid_and_applied_to_test(table):
    frame = table()
    valid, test = (frame[frame.split == s] for s in ('valid', 'test'))
    got = evaluate(frame, n_boot=50)
    t = M.youden_threshold(valid.label, valid.probability)
    assert got['threshold'] == dict(value=t, rule='youden on valid')
    counts = 'n', 'threshold', 'tn', 'fp', 'fn', 'tp'
    for key, at in (('at_threshold', t), ('at_0.5', .5)):
        expected = M.measure(test.label, test.probability, at)
        assert {k: got['test'][key][k]['value'] for k in M.METRICS} == {k: expected[k] for k in M.METRICS}
        assert {k: got['test'][key][k] for k in counts} == {k: expected[k] for k in counts}
    assert got['valid']['n'] == 40 and got['valid']['patients'] == got['test']['patients'] == 10
    assert got['baseline'] == dict(always=0, accuracy=.7, auroc=.5)  # 28 of the 40 test images are negative
    assert all(b[k]['low'] <= b[k]['value'] <= b[k]['high'] for b in (got['valid'], got['test']['at_0.5']) for k in M.METRICS)


def test_same_seed_same_numbers_and_plain_json(table):
    frame = table()
    assert evaluate(frame, 30) == evaluate(frame, 30) == json.loads(json.dumps(evaluate(frame, 30), allow_nan=False))
    shuffled = frame.sample(frac=1, random_state=0)
    assert evaluate(shuffled, 30)['test']['at_0.5']['auroc']['value'] == evaluate(frame, 30)['test']['at_0.5']['auroc']['value']


def test_what_the_view_alone_tells(table):
    frame = table()
    views = pd.Series(np.where(np.arange(80) % 3 == 0, 'AP', np.where(np.arange(80) % 3 == 1, 'PA', None)), index=frame.path)
    views.iloc[79] = 'LL'
    train = pd.DataFrame(dict(view=['AP']*4 + ['PA']*4 + [None]*2, label=[1, 1, 1, 0, 1, 0, 0, 0, 1, 0]))
    test = frame[frame.split == 'test']
    score = views[test.path].map({'AP': .75, 'PA': .25, 'LL': .5}).astype(float).fillna(.5)
    got = evaluate(frame, 30, views=views, train=train)['baseline']['view']
    assert got['auroc']['value'] == pytest.approx(roc_auc_score(test.label, score)) and got['unseen'] == 1
    with pytest.raises(InputError, match='together'): evaluate(frame, 30, views=views)
    with pytest.raises(InputError, match='twice'): evaluate(frame, 30, views=pd.concat([views, views]), train=train)


def test_degenerate_sets_are_told(table):
    frame = table()
    frame.loc[frame.split == 'valid', 'label'] = 0
    got = evaluate(frame, 30)
    assert got['threshold']['value'] == .5 and 'one class' in got['threshold']['rule']
    reason = 'not defined, because the images are all of one class'
    assert got['valid']['auroc'] == dict(value=None, low=None, high=None, reason=reason)
    assert any('one class' in w for w in got['warnings'])
    shared = table()
    shared.loc[79, 'patient'] = '000'
    said = [w for w in evaluate(shared, 30)['warnings'] if 'in valid and in test: 1' in w]
    assert said and '000' not in said[0]  # counted, not named


@pytest.mark.parametrize('spoil, words', [
    (lambda f: f.drop(columns='patient'), "column 'patient'"),
    (lambda f: f[f.split == 'valid'], "split 'test'"),
    (lambda f: pd.concat([f, f.head(2)]), '2 rows repeat a path'),
    (lambda f: f.assign(patient=f.patient.where(f.index > 2)), '3 of 80 rows name no patient'),
    (lambda f: f.assign(label=2), 'not 0 or 1'),
    (lambda f: f.assign(probability=-1.), 'not in'),
])
def test_bad_predictions(spoil, words, table):
    with pytest.raises(InputError, match=words): evaluate(spoil(table()))


def split(frame):
    "Every image's view, age, sex, detail and boxes, those of train too."
    train = frame.head(20).assign(path=lambda t: 'train/' + t.path, patient='in train', split='train')
    full = pd.concat([train, frame], ignore_index=True).drop(columns='probability')
    n = np.arange(len(full))
    return full.assign(view=np.where(n % 3, 'AP', 'PA'), age=n % 90., sex=np.where(n % 2, 'F', 'M'),
                       detail=np.where(full.label == 1, 'Lung Opacity', 'Normal'),
                       boxes=[[[1., 1., 10. + i, 20.]] if y else [] for i, y in zip(n, full.label, strict=True)])


def test_the_whole_of_it(sound, table):
    frame = table(400)
    got = sound(evaluate(frame, 60, cohort=split(frame), class_weights=(.7, 2.), choices=Settings(prevalence=.1, seed=3)))
    assert list(got) == ['threshold', 'valid', 'test', 'balanced', 'operating_points', 'baseline', 'calibration', 'uncertainty',
                         'subgroups', 'choices', 'warnings']
    assert got['choices']['n_boot'] == 60 and got['choices']['seed'] == 3
    assert set(got['calibration']['candidates']) == {'none', 'prior_shift', 'intercept', 'temperature', 'platt', 'isotonic'}
    assert set(got['uncertainty']['conformal']['by_view']) == {f'{v}, {t}' for v in ('AP', 'PA') for t in ('no pneumonia', 'pneumonia')}
    assert got['baseline']['view']['unseen'] == 0  # views follow from the cohort
    assert got['subgroups']['by']['view']['within']['value'] > .5
    assert got['operating_points'][0]['test']['recall'] == got['test']['at_threshold']['recall']


def test_the_order_of_the_file_changes_nothing(table):
    frame = table(200)
    frame['probability'] = frame.probability.round(2)
    shuffled = frame.sample(frac=1, random_state=0)
    assert evaluate(frame, 40, cohort=split(frame)) == evaluate(shuffled, 40, cohort=split(frame))


def test_a_threshold_by_another_rule(table):
    got = evaluate(table(200), 20, choices=Settings(rule='sensitivity', sensitivity=.95))
    assert got['threshold']['rule'] == 'sensitivity of at least 0.95 on valid' and got['valid']['recall']['value'] >= .95
    assert got['threshold']['value'] == next(o['threshold'] for o in got['operating_points'] if o['rule'] == 'sensitivity')


DEGENERATE = dict(  # what becomes of 120 predictions, `test` saying which are of test
    negative=lambda frame, test: frame.assign(label=0), positive=lambda frame, test: frame.assign(label=1),
    negative_test=lambda frame, test: frame.assign(label=frame.label.where(~test, 0)),
    positive_valid=lambda frame, test: frame.assign(label=frame.label.where(test, 1)),
    ties=lambda frame, test: frame.assign(probability=.5), ties_at_one=lambda frame, test: frame.assign(probability=1.),
    zero_and_one=lambda frame, test: frame.assign(probability=frame.label.astype(float)),
    wrong=lambda frame, test: frame.assign(probability=1. - frame.label),
    one_each=lambda frame, test: frame.iloc[[0, 119]], two_each=lambda frame, test: frame.iloc[[0, 4, 118, 119]],
    one_patient=lambda frame, test: frame.assign(patient=frame.split),
    one_positive=lambda frame, test: frame.assign(label=frame.label.where(~test, np.arange(120) == 119)))


@pytest.mark.parametrize('name', DEGENERATE)
def test_nothing_undefined_becomes_nan(name, sound, table):
    frame = DEGENERATE[name](table(120), np.arange(120) >= 60)
    full = sound(evaluate(frame, 15, cohort=split(frame), class_weights=(1., 3.), choices=Settings(prevalence=.2)))
    one_view = sound(evaluate(frame, 15, cohort=split(frame).assign(view='AP', age=np.nan, sex=None, detail=None)))
    assert one_view['subgroups']['by']['view']['groups'][0]['auroc']['value'] == pytest.approx(full['test']['at_0.5']['auroc']['value'])


@pytest.mark.slow
def test_thirty_thousand_predictions_and_two_thousand_resamples_within_twenty_seconds(table):
    n = 30_000
    frame = table(n).assign(patient=[f'{i//3}' for i in range(n)], split=np.where(np.arange(n) < n//2, 'valid', 'test'))
    frame['label'] = np.random.default_rng(0).permutation(frame.label)
    start = time.process_time()
    evaluate(frame, 2000, cohort=split(frame), class_weights=(.7, 2.), choices=Settings(prevalence=.05))
    assert time.process_time() - start < 40  # of both cores together; this counts no time that other programs took


def test_no_torch():
    code = ('import sys; from pneumo_fastai.evaluation import comparison, results; '
            'assert not {"torch", "fastai", "matplotlib"} & set(sys.modules)')
    subprocess.run([sys.executable, '-c', code], check=True)
