import sys

import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation.label_errors import by_suspicion, confident_learning, places, recall_at, shares_wrong

NO_CLEANLAB = 'cleanlab is not installed'


def noisy(n=400, share=.1, ill=.4, apart=2., seed=0):
    "A table of images, two a patient, of which `share` have the other label; their true one is told by the probability."
    rng = np.random.default_rng(seed)
    true = (rng.random(n) < ill).astype(int)
    wrong = rng.random(n) < share
    p = 1/(1 + np.exp(-rng.normal(apart*(2*true - 1), 1)))
    return pd.DataFrame(dict(path=[f'{i}.dcm' for i in range(n)], patient=[f'p{i//2}' for i in range(n)],
                             label=np.where(wrong, 1 - true, true), probability=p, calibrated=p, wrong=wrong))


def by_the_paper(y, p):
    "Flagged, score and joint as Northcutt et al. 2021 say: class thresholds, confident joint, pruning by noise rate."
    both, n = np.stack([1 - p, p], axis=1), np.bincount(y)
    thresholds = np.array([both[y == k, k].mean() for k in (0, 1)])
    joint = np.zeros((2, 2))
    for given, row in zip(y, both, strict=True):
        sure = [k for k in (0, 1) if row[k] >= thresholds[k]]
        if sure: joint[given, max(sure, key=lambda k: row[k])] += 1
    joint = np.round(joint/joint.sum(axis=1, keepdims=True)*n[:, None])
    flagged, own = np.zeros(len(y), dtype=bool), both[np.arange(len(y)), y]
    for k in (0, 1):
        of = np.flatnonzero(y == k)
        flagged[of[np.argsort(own[of])[:int(joint[k, 1 - k])]]] = True
    return flagged & (own < .5), (own - thresholds[y] + thresholds.max())/(1 + np.ptp(thresholds)), joint


@pytest.mark.parametrize('ill, apart, seed', [(.5, 2., 0), (.2, 1., 1), (.8, .5, 2)])
def test_cleanlab_does_what_the_paper_says(ill, apart, seed):
    pytest.importorskip('cleanlab', reason=NO_CLEANLAB)
    rows = noisy(ill=ill, apart=apart, seed=seed)
    y, p = rows.label.to_numpy(), rows.probability.to_numpy()
    for ours, theirs in zip(confident_learning(y, p), by_the_paper(y, p), strict=True): assert ours == pytest.approx(theirs)


def test_flips_of_labels_that_probabilities_tell_are_found_and_counted():
    pytest.importorskip('cleanlab', reason=NO_CLEANLAB)
    rows, joint = by_suspicion(noisy(apart=8.))
    assert (rows.flagged == rows.wrong).all() and rows.wrong.sum() > 20
    assert list(rows['rank']) == list(range(1, 401)) and rows.wrong.head(rows.wrong.sum()).all()
    assert shares_wrong(joint) == pytest.approx(rows.groupby('label').wrong.mean().tolist())
    assert (rows.sort_values('rank_by_loss').loss.diff().dropna() <= 0).all()


def test_what_calibration_made_equal_stays_in_the_networks_order():
    pytest.importorskip('cleanlab', reason=NO_CLEANLAB)
    rows = noisy()
    rows, _ = by_suspicion(rows.assign(calibrated=np.where(rows.probability > .5, .9, .1)))
    for _, alike in rows.groupby(['label', 'calibrated']):
        own = np.where(alike.label == 1, alike.probability, 1 - alike.probability)
        assert (np.diff(own[np.argsort(alike.rank_by_loss)]) >= 0).all()


def test_without_cleanlab_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, 'cleanlab', None)
    with pytest.raises(InputError, match=r'pip install "pneumo_fastai\[labels\]"') as told: by_suspicion(noisy(20))
    assert '\n' not in str(told.value)


def test_places_count_from_one_and_the_next_key_decides():
    assert list(places(np.array([2, 1, 1]), np.array([0, 5, 4]))) == [3, 2, 1]


def test_recall_is_the_share_of_the_wrong_that_stand_first(sound):
    wrong, patient = np.arange(100) < 10, [f'p{i//2}' for i in range(100)]
    best, half, worst = np.arange(1, 101), np.where(wrong, np.arange(100)*2 + 1, 50), np.arange(100, 0, -1)
    found = recall_at(patient, wrong, dict(best=best, half=half, worst=worst), n_boot=50)
    sound(found)
    assert [o['images'] for o in found] == [5, 10, 20]
    assert [[o['recall'][k]['value'] for k in ('best', 'half', 'worst')] for o in found] == [[.5, .3, 0], [1, .5, 0], [1, 1, 0]]
    assert [o['difference']['worst']['value'] for o in found] == [.5, 1, 1] and found[0]['difference'].keys() == {'half', 'worst'}
    assert found[1]['recall']['best']['low'] < .9 < found[1]['recall']['best']['high'] == 1  # Wilson's: of 10 images
    assert found[0]['difference']['half']['low'] < .2 < found[0]['difference']['half']['high']


def test_a_share_is_of_whole_images_and_a_ranking_by_chance_finds_that_share():
    rng = np.random.default_rng(0)
    at = [recall_at(range(1000), rng.random(1000) < .1, dict(chance=rng.permutation(1000) + 1), [.29], 5)[0] for _ in range(40)]
    assert {o['images'] for o in at} == {290} and np.mean([o['recall']['chance']['value'] for o in at]) == pytest.approx(.29, abs=.02)


def test_where_no_label_is_wrong_there_is_no_recall(sound):
    found = recall_at(range(20), np.zeros(20), dict(a=np.arange(1, 21), b=np.arange(1, 21)), n_boot=5)
    assert found[0]['recall']['a']['value'] is None and 'no label is known to be wrong' in found[0]['difference']['b']['reason']
    sound(found)
