import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.evaluation import apart
from pneumo_fastai.evaluation.apart import FEATURES, some, told_apart
from pneumo_fastai.evaluation.shortcut import TOGETHER

GROUPS = {'view': ['view'], 'age': ['age'], 'sex': ['sex']}


def two_sets(shift, n=200, seed=0):
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], n)
    table = pd.DataFrame(dict(label=y, patient=[f'{k} {i//2}' for k, i in zip(y, np.tile(np.arange(n), 2), strict=True)], view=None,
                              sex=rng.choice(['F', 'M'], 2*n), age=rng.normal(50 + 30*shift*y, 10)))
    return table, rng.normal(size=(2*n, 20)) + shift*y[:, None]/2


def test_what_differs_tells_them_apart_and_what_does_not_is_chance():
    found = told_apart(*((two := two_sets(1.))[0], GROUPS, two[1]))
    assert found['age']['value'] > .95 and found[FEATURES]['value'] > .8 and found[TOGETHER]['value'] > .95
    assert found['sex']['low'] < .5 < found['sex']['high'] and found['view']['reason'] == 'no image states it'
    found = told_apart(*((two := two_sets(0.))[0], GROUPS, two[1]))
    for name in ('age', 'sex', FEATURES, TOGETHER): assert found[name]['low'] < .5 < found[name]['high'], name


def test_nothing_is_told_of_a_few_patients():
    table, features = two_sets(1., n=12)
    found = told_apart(table, GROUPS, features)
    assert list(found) == [TOGETHER] and found[TOGETHER]['value'] is None and 'has 6 patients, 10 are needed' in found[TOGETHER]['reason']


def test_features_that_are_no_numbers_are_said_to_be_none():
    table, features = two_sets(1., n=60)
    features[3, 2] = np.nan
    assert told_apart(table, GROUPS, features)[FEATURES]['reason'] == 'not defined, because a feature is no number'


@pytest.mark.parametrize('most', [30, 10_000])
def test_of_many_images_some_are_taken_by_whole_patients(monkeypatch, most):
    monkeypatch.setattr(apart, 'MOST', most)
    table, _ = two_sets(0.)
    kept = some(table)
    assert len(kept) == (most if most < len(table) else len(table)) and kept.patient.value_counts().eq(2).all()


def test_what_is_drawn_of_a_large_set_is_numbered_anew(monkeypatch):
    "By their numbers rows are put beside other tables of the same images."
    monkeypatch.setattr('pneumo_fastai.evaluation.apart.MOST', 20)
    rows = pd.DataFrame(dict(patient=np.repeat([f'p{i}' for i in range(30)], 2), path=[f'{i}.png' for i in range(60)]))
    drawn = some(rows)
    assert len(drawn) == 20 and drawn.index.tolist() == list(range(20)) and set(drawn.patient.value_counts()) == {2}
