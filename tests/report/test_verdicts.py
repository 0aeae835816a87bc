import json
from types import SimpleNamespace

import pytest

from pneumo_fastai.report.verdicts import baselines, calibration, discrimination, heatmaps


def m(value, half=.02): return dict(value=value, low=value - half, high=value + half)


@pytest.fixture
def run(tmp_path): return SimpleNamespace(folder=tmp_path)


def metrics(auroc, view=None, ece=.02, chance=.04):
    return dict(test=dict(at_threshold=dict(auroc=auroc)), baseline=dict(view=dict(auroc=view, unseen=0)) if view else {},
                calibration=dict(after=dict(ece=ece, ece_of_a_perfect_model=dict(high=chance))))


@pytest.mark.parametrize('auroc, view, level', [
    (m(.9), m(.7), 'good'), (m(.73), m(.7), 'amber'), (m(.69), m(.7), 'red'), (m(.9), None, 'good'), (m(.51), None, 'amber'),
    (m(.49), None, 'red'), (dict(value=.9, low=None, high=None), m(.7), 'amber'),
    (dict(value=None, low=None, high=None, reason='not defined, because x'), m(.7), 'amber')])
def test_discrimination_is_judged_by_the_intervals_of_model_and_baseline(run, auroc, view, level):
    assert discrimination(run, metrics(auroc, view))['level'] == level


def test_what_an_audit_knew_without_the_lungs_is_a_baseline_too(run):
    (run.folder/'audit.json').write_text(json.dumps(dict(shortcut={'all of the above': dict(m(.95), reason=None)})))
    assert [words for words, _ in baselines(run, metrics(m(.9), m(.7)))] == ['chance', 'the view position alone',
                                                                            'all that is known without the lungs']
    found = discrimination(run, metrics(m(.9), m(.7)))
    assert found['level'] == 'red' and 'all that is known without the lungs reaches 0.950' in found['text']


@pytest.mark.parametrize('ece, chance, level', [(.03, .04, 'good'), (.04, .04, 'good'), (.05, .04, 'amber'), (.1, .04, 'red'),
                                                (.12, .2, 'amber')])
def test_calibration_is_judged_by_what_perfect_probabilities_would_show(ece, chance, level):
    assert calibration(metrics(m(.9), ece=ece, chance=chance))['level'] == level


def localization(gap, survives=False, last=(-.1, .1)):
    like = dict(ssim=dict(mean=.1, low=.09, high=.11, sd=.05), n=64, flat=2)
    sanity = dict(cascade=[dict(like, randomised='fc', rank_correlation=dict(mean=0., low=last[0], high=last[1], sd=.1))], limit=.8,
                  survives=survives)
    rivals = 'mean box of train', 'untrained network'
    def row(value): return dict.fromkeys(('pointing', 'energy', 'average_precision', 'iou'), m(value))
    return dict(method='gradcam', layers=['layer4'], others=[], sanity=sanity,
                bias={k: dict(n=40, shares={'border': dict(heat=.2, area=.1, more=m(.1))}) for k in ('no pneumonia', 'pneumonia')},
                localization=dict(n=30, patients=20, positives_without_boxes=0, boxes_clipped=0, cut=dict.fromkeys(('model', *rivals), .15),
                                  maps={k: row(.5) for k in ('model', *rivals)}, difference={k: row(gap) for k in rivals}, by={},
                                  methods=dict(gradcam=row(.5))))


@pytest.mark.parametrize('found, level', [
    (localization(.2), 'good'), (localization(.2, last=(.1, .3)), 'amber'), (localization(.01), 'amber'), (localization(-.2), 'red'),
    (localization(.2, survives=True), 'red'),
    (dict(localization(.2), localization=dict(reason='not defined, because x', positives_without_boxes=3, boxes_clipped=0)), 'open'),
    (None, 'open')])
def test_heatmaps_are_judged_by_boxes_and_by_random_weights(run, found, level):
    if found: (run.folder/'localization.json').write_text(json.dumps(found))
    assert heatmaps(run)['level'] == level


def test_maps_that_labels_alone_surpass_are_not_said_to_be_worse_than_the_mean_box(run):
    found = localization(.01)
    found['localization']['maps']['differences by label'] = found['localization']['maps']['mean box of train']
    found['localization']['cut']['differences by label'] = .15
    found['localization']['difference']['differences by label'] = dict.fromkeys(('pointing', 'energy', 'average_precision', 'iou'), m(-.2))
    (run.folder/'localization.json').write_text(json.dumps(found))
    assert heatmaps(run)['word'] == 'no better than the mean box'


def test_maps_that_survive_random_weights_are_told_so_whatever_runs_they_were_compared_with(run):
    "The last sentence is then on the other runs."
    other = dict(run='b', differs=dict(seed=1), n=9, flat=0, ssim=None, rank_correlation=dict(mean=.9, low=.8, high=1., sd=.1))
    (run.folder/'localization.json').write_text(json.dumps(dict(localization(.2, survives=True), others=[other])))
    assert 'random' in heatmaps(run)['text'] and 'For comparison' not in heatmaps(run)['text']
