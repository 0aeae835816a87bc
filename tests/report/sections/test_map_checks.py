import pytest

from pneumo_fastai.report.sections.map_checks import beside, checks, depends, differs, gap, hotter, kept, purpose, spread


def like(mean, half=.04): return dict(mean=mean, low=mean - half, high=mean + half, sd=.1)


def sanity(last, survives=False):
    return dict(cascade=[dict(rank_correlation=like(1.)), dict(rank_correlation=last)], limit=.8, survives=survives)


def test_a_small_difference_whose_interval_leaves_out_zero_is_told_with_enough_digits():
    assert gap(dict(value=.0021, low=.0003, high=.004)) == '+0.21 percentage points [+0.03, +0.40]'
    assert gap(dict(value=.02, low=-.0003, high=.04)) == '+2.0 percentage points [+0.0, +4.0]'
    assert gap(dict(value=.02, low=None, high=None)) == '+2.0 percentage points [no interval]'


@pytest.mark.parametrize('last, survives, fine', [
    (like(.01), False, True), (like(.3), False, False), (like(-.3), False, False), (like(.95), True, False), (None, False, True),
    (dict(mean=.3, sd=.1), False, True)])
def test_maps_depend_on_the_weights_where_the_last_of_the_cascade_cannot_be_told_from_nothing(last, survives, fine):
    assert depends(sanity(last, survives)) == fine


def test_what_is_kept_is_the_last_of_the_cascade():
    assert 'is +0.300 [+0.26, +0.34]' in kept(sanity(like(.3))) and '+1.000' not in kept(sanity(like(.3)))


@pytest.mark.parametrize('differ, found', [(dict(seed=1), 'seed'), (dict(seed=1, epochs=2), None), (dict(epochs=2), None), ({}, None),
                                           (dict(shuffle_labels=True, seed=1), 'shuffle_labels')])
def test_another_seed_tells_something_only_alone_and_shuffled_labels_always(differ, found):
    assert (purpose(dict(differs=differ)) or [None])[0] == found


def test_runs_whose_maps_were_flat_are_not_compared():
    seed = dict(differs=dict(seed=1))
    others = [dict(seed, rank_correlation=like(.5)), dict(seed, rank_correlation=None), dict(differs={}, rank_correlation=like(.5))]
    assert beside(others) == [(dict(value=.5, low=.46, high=.54), 'another seed')]
    assert spread(None) == 'flat' and spread(dict(mean=.5, sd=.1)) == '0.50 ± 0.10' and spread(like(.5)) == '0.50 ± 0.10 [+0.46, +0.54]'


def test_names_of_settings_are_escaped():
    assert differs(dict(differs=dict(shuffle_labels=True, data='<b>'))).startswith('shuffle labels, data &lt;b&gt;<small>')
    assert differs(dict(differs={})) == 'nothing in its recipe'


def region(heat, area, half=None):
    return dict(heat=heat, area=area, **dict(more=dict(value=heat - area, low=heat - area - half, high=heat - area + half)) if half else {})


def test_a_region_is_hotter_undecided_or_neither_and_halves_are_no_region():
    shares = dict(hot=region(.3, .1, .05), open=region(.12, .1, .05), cool=region(.01, .1, .05), old=region(.2, .1), both=region(.1, .2))
    found = hotter(dict(pneumonia=dict(shares=shares | {'left half of the image': region(.9, .5, .1)})))
    assert {k: [o[0] for o in v] for k, v in found.items()} == dict(more=['hot'], undecided=['open', 'old'])
    assert found['more'][0][1] == 'pneumonia' and found['more'][0][3] == '+20.0 percentage points [+15.0, +25.0]'


def test_the_rows_of_a_region_stand_together_by_class():
    kinds = {k: dict(shares=dict(border=region(heat, .1, .05), corner=region(.1, .1, .05))) for k, heat in (('ill', .2), ('well', .3))}
    cascade = dict(sanity(like(.3)), cascade=[dict(randomised='fc', ssim=None, rank_correlation=like(.3), flat=2)])
    found = checks(dict(bias=kinds, sanity=cascade, others=[]))
    assert [row[:3] for row in found['bias']] == [('border', 'ill', '20.0%'), ('border', 'well', '30.0%'), ('corner', 'ill', '10.0%'),
                                                  ('corner', 'well', '10.0%')]
    assert found['sanity'] == [('fc', 'flat', '0.30 ± 0.10 [+0.26, +0.34]', 2)] and found['others'] == []
