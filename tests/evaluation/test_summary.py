import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation import metrics as M
from pneumo_fastai.evaluation.summary import evaluate, read_predictions


def table(n=80, seed=0):
    rng = np.random.default_rng(seed)
    y = (np.arange(n)//4 % 3 == 0).astype(int)
    return pd.DataFrame(dict(path=[f'{i}.dcm' for i in range(n)], person=[f'00{i//4}' for i in range(n)],
                             split=np.where(np.arange(n) < n//2, 'valid', 'test'), label=y,
                             probability=1/(1 + np.exp(-rng.normal(2*y - 1)))))


def test_threshold_is_chosen_on_valid_and_applied_to_test():
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
    assert got['valid']['n'] == 40 and got['valid']['persons'] == got['test']['persons'] == 10
    assert got['baseline'] == dict(always=0, accuracy=.7, auroc=.5)  # 28 of the 40 test images are negative
    assert all(b[k]['low'] <= b[k]['value'] <= b[k]['high'] for b in (got['valid'], got['test']['at_0.5']) for k in M.METRICS)


def test_same_seed_same_numbers_and_plain_json():
    frame = table()
    assert evaluate(frame, 30) == evaluate(frame, 30) == json.loads(json.dumps(evaluate(frame, 30), allow_nan=False))
    shuffled = frame.sample(frac=1, random_state=0)
    assert evaluate(shuffled, 30)['test']['at_0.5']['auroc']['value'] == evaluate(frame, 30)['test']['at_0.5']['auroc']['value']


def test_what_the_view_alone_tells():
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


def test_degenerate_sets_are_told():
    frame = table()
    frame.loc[frame.split == 'valid', 'label'] = 0
    got = evaluate(frame, 30)
    assert got['threshold']['value'] == .5 and 'one class' in got['threshold']['rule']
    reason = 'not defined, because the images are all of one class'
    assert got['valid']['auroc'] == dict(value=None, low=None, high=None, left_out=30, reason=reason)
    assert any('one class' in w for w in got['warnings'])
    few = table()
    few.loc[(few.split == 'test') & (few.person != '0012'), 'label'] = 0
    assert any('left out' in w for w in evaluate(few, 100)['warnings'])
    sure = table()
    sure['probability'] = np.where(sure.label == 1, .9, .1)
    assert any('3/n' in w for w in evaluate(sure, 30)['warnings'])
    shared = table()
    shared.loc[79, 'person'] = '000'
    assert any('in valid and in test: 1, one is 000' in w for w in evaluate(shared, 30)['warnings'])


@pytest.mark.parametrize('spoil, words', [
    (lambda f: f.drop(columns='person'), "column 'person'"),
    (lambda f: f[f.split == 'valid'], "split 'test'"),
    (lambda f: pd.concat([f, f.head(2)]), '2 rows repeat a path'),
    (lambda f: f.assign(person=f.person.where(f.index > 2)), '3 of 80 rows name no person'),
    (lambda f: f.assign(label=2), 'not 0 or 1'),
    (lambda f: f.assign(probability=-1.), 'not in'),
])
def test_bad_predictions(spoil, words):
    with pytest.raises(InputError, match=words): evaluate(spoil(table()))


def test_reads_what_was_written(tmp_path):
    table().to_csv(tmp_path/'predictions.csv', index=False)
    frame = read_predictions(tmp_path/'predictions.csv')
    assert frame.person.iloc[0] == '000'  # text, or 000 and 0 were one person
    assert evaluate(frame, 20) == evaluate(table(), 20)
    (tmp_path/'empty.csv').touch()
    for name in ('absent.csv', 'empty.csv'):
        with pytest.raises(InputError, match=name): read_predictions(tmp_path/name)
