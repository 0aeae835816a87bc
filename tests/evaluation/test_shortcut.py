import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.evaluation import shortcut as S
from pneumo_fastai.evaluation.intervals.clustered import auroc_influence
from pneumo_fastai.evaluation.intervals.ranks import auroc


def sample(patients=200, each=2, seed=0):
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), each)
    label = rng.integers(0, 2, patients)[patient]
    n = len(label)
    return pd.DataFrame(dict(label=label, patient=[f'p{k}' for k in patient], noise=rng.normal(size=n),
                             who=rng.normal(size=patients)[patient],
                             name=[f'p{k}' for k in patient], view=np.where(label == 1, 'AP', 'PA'),
                             half=np.where(rng.random(n) < .75, label, 1 - label), blank=None, none=np.nan, same=7))


def score(table, *columns, **kwargs): return S.shortcut_test(table, {'x': list(columns)}, **kwargs)['x']


def test_a_planted_shortcut_is_found_and_noise_is_chance():
    table = sample()
    assert score(table, 'view')['value'] == 1 and score(table, 'view')['stated'] == 400
    noise = score(table, 'noise')
    assert noise['low'] < .5 < noise['high'] and abs(noise['value'] - .5) < .1
    weak = score(table, 'half')
    assert weak['low'] < .75 < weak['high'] and weak['low'] > .55     # right in three of four images of either class: AUROC 0.75


@pytest.mark.slow
def test_chance_is_one_half_without_bias():
    "Scores pooled over folds lie below: trees that saw more positives give more, and their fold has fewer."
    within, pooled = [], []
    for seed in range(30):
        table = sample(40, 1, seed)
        y, view = table.label.to_numpy(), np.random.default_rng(seed + 1000).choice(['AP', 'PA'], 40)
        p, fold = S.out_of_fold(S.encoded(pd.DataFrame(dict(view=view))), y, table.patient)
        within.append(auroc_influence(y, p, fold)[0])
        pooled.append(auroc(y, p))
    assert abs(np.mean(within) - .5) < .05 and np.mean(pooled) < np.mean(within) - .03


def test_what_identifies_a_patient_does_not_leak():
    table = sample(patients=40, each=12)
    for column in ('who', 'name'):
        got = score(table, column)
        assert got['low'] <= .5 <= got['high'] and got['value'] < .65
    alone = score(table.assign(patient=[f'i{k}' for k in range(len(table))]), 'who')     # as if every image were its own patient
    assert alone['value'] > .9


def test_no_patient_is_scored_by_trees_that_saw_it():
    table = sample()
    fold = S.out_of_fold(S.encoded(table[['noise']]), table.label.to_numpy(), table.patient.to_numpy())[1]
    assert (pd.Series(fold).groupby(table.patient).nunique() == 1).all() and set(fold) == set(range(S.FOLDS))


@pytest.mark.parametrize('change, columns, says', [
    (dict(label=0), ['noise'], 'all 400 images are of one class'), (dict(), ['blank', 'none'], 'no image states it'),
    (dict(), ['same'], 'the same in every image'),
    (dict(label=[1]*8 + [0]*392), ['noise'], 'only 4 patients have an image with pneumonia')])
def test_what_cannot_be_told_says_why(change, columns, says):
    got = score(sample().assign(**change), *columns)
    assert got['value'] is None and got['low'] is None and says in got['reason'] and got['n'] == 400


def test_all_of_the_above_leaves_out_what_is_apart_or_not_defined():
    ticks = []
    got = S.shortcut_test(sample(), dict(order=['view'], noise=['noise'], blank=['blank']), apart=['order'],
                          tick=lambda *a: ticks.append(a))
    assert list(got) == ['noise', 'blank', S.TOGETHER, 'order'] and ticks[-1] == (4, 4)
    assert got['order']['value'] == 1 and got[S.TOGETHER]['value'] == got['noise']['value'] and got['blank']['reason']
    nothing = S.shortcut_test(sample(), dict(blank=['blank']))
    assert nothing[S.TOGETHER]['reason'] == 'none of them is defined'


def test_a_blank_is_a_value_of_its_own():
    table = sample()
    table['age'] = np.where(table.label == 1, np.nan, 50.)     # who is ill has no age
    assert score(table, 'age')['value'] == 1 and score(table, 'age')['stated'] == (table.label == 0).sum()
    table['sex'] = np.where(table.label == 1, None, 'F')
    assert score(table, 'sex')['value'] == 1


def test_the_published_value_of_the_view_in_rsna():
    "AP 38.3% and PA 9.3% positive: a tenth of the release's 26,684 images, AUROC of the view 0.706."
    ap, pa = 1217, 1451
    label = np.r_[np.arange(ap) < .383*ap, np.arange(pa) < .093*pa].astype(int)
    table = pd.DataFrame(dict(label=label, patient=np.arange(ap + pa), view=['AP']*ap + ['PA']*pa))
    got = score(table, 'view')
    assert got['value'] == pytest.approx(.706, abs=.005) and got['low'] < .706 < got['high']
