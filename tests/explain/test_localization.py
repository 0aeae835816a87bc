import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from pneumo_fastai.explain.localization import CUTS, LEVELS, best_cut, box_mask, clipped, energy, localization, pointing, scores, table


def test_a_box_covers_the_pixels_whose_centres_it_holds():
    mask = box_mask([(1, 0, 2, 3)], 4)
    assert mask.sum() == 6 and mask[:3, 1:3].all()
    assert box_mask([(0.6, 0, 1, 1)], 4).sum() == 1  # from 0.6 to 1.6 lies the centre 1.5 alone
    assert box_mask([(0, 0, 2, 2), (1, 1, 2, 2)], 4).sum() == 7  # the overlap counts once


def test_boxes_beyond_the_image_are_clipped_and_counted():
    boxes, n = clipped([(-2, 1, 5, 2), (3, 3, 2, 2), (20, 20, 5, 5), (1, 1, 2, 2)], 8)
    assert boxes == [(0, 1, 3, 2), (3, 3, 2, 2), (1, 1, 2, 2)] and n == 2


def test_the_pointing_game_and_energy_worked_out_by_hand():
    heat, mask = np.array([[0., .5], [1., 0.]]), np.array([[False, True], [False, False]])
    assert pointing(heat, mask) == 0 and energy(heat, mask) == pytest.approx(1 / 3)
    assert pointing(heat, ~mask) == 1 and pointing(np.ones((2, 2)), mask) == .25
    assert energy(np.zeros((2, 2)), mask) == .25  # no heat says as much as an even one


@pytest.mark.parametrize('seed', range(3))
def test_average_precision_is_sklearns_and_iou_that_of_its_definition(seed):
    rng = np.random.default_rng(seed)
    heat, mask = rng.random((30, 30))**3, rng.random((30, 30)) < .2
    steps = np.minimum((heat * LEVELS).astype(int), LEVELS - 1)
    found = scores(heat, mask)
    assert found['average_precision'] == pytest.approx(average_precision_score(mask.ravel(), steps.ravel()))
    assert found['average_precision'] == pytest.approx(average_precision_score(mask.ravel(), heat.ravel()), abs=2e-3)
    for cut, iou in zip(CUTS, found['iou'], strict=True):
        hot = steps >= round(cut * LEVELS)
        assert iou == pytest.approx((hot & mask).sum() / (hot | mask).sum())


def test_an_even_map_scores_the_area_of_the_boxes():
    mask = box_mask([(2, 2, 4, 5)], 20)
    found = scores(np.ones((20, 20)), mask)
    assert {k: round(float(np.mean(v)), 6) for k, v in found.items()} == dict.fromkeys(found, .05)


def some(n, size=16, seed=0):
    rng = np.random.default_rng(seed)
    masks = np.stack([box_mask([(rng.integers(0, 10), rng.integers(0, 10), 5, 6)], size) for _ in range(n)])
    return masks, rng.random((n, size, size)) * .5


def test_maps_that_are_the_boxes_score_one_and_beat_an_even_map_in_every_group():
    (vm, vh), (masks, noise) = some(6), some(40, seed=1)
    heats = dict(model=(vm + vh * 0, masks * .5 + .5 * masks), even=(np.ones_like(vh), np.ones_like(noise)))
    view = np.array(['AP', 'PA'] * 20)
    found = localization(heats, (vm, masks), np.arange(40) // 2, dict(view=view), n_boot=50)
    assert found['n'] == 40 and found['patients'] == 20
    for m in ('pointing', 'energy', 'average_precision', 'iou'):
        assert found['maps']['model'][m]['value'] == pytest.approx(1)
        assert found['difference']['even'][m]['low'] > 0
        assert found['maps']['even'][m]['value'] == pytest.approx(masks.mean())
    assert [(g['group'], g['n'], g['small']) for g in found['by']['view']] == [('AP', 20, True), ('PA', 20, True)]


def test_the_cut_for_iou_comes_from_valid_alone():
    (vm, _), (tm, _) = some(5), some(5, seed=1)
    heats = dict(model=(vm * .4, tm * .9))  # valid's boxes are at 0.4: any cut up to that is perfect there
    found = localization(heats, (vm, tm), np.arange(5), n_boot=10)
    assert found['cut']['model'] == CUTS[best_cut(table(vm * .4, vm))] <= .4
