import json
import re
from copy import deepcopy

import pytest
from PIL import Image

from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.report.sections.heatmaps import verdicts, warnings
from pneumo_fastai.report.written import present_again, remeasure

pytestmark = pytest.mark.usefixtures('undrawn')
FEW = dict(left_out=0)
MODELS = 'model', 'a random point', 'mean box of train', 'untrained network'


def m(value, width=.1): return dict(value=value, low=value - width, high=value + width, **FEW)
def row(value): return dict.fromkeys(('pointing', 'energy', 'average_precision', 'iou'), m(value))


def group(name, n): return dict(group=name, n=n, small=n < 30, others={k: {'pointing': .2} for k in MODELS[1:]}, **row(.5))


def like(mean, half=.04):
    return dict(randomised='fc', ssim=dict(mean=.1, low=.09, high=.11, sd=.05), n=64, flat=2,
                rank_correlation=dict(mean=mean, low=mean - half, high=mean + half, sd=.1))


def facts(model=.178, mean_box=.53, gap=-.352):
    share = dict(heat=.2, area=.1, more=m(.1, .02))
    return dict(
        layers=['layer4'], method='gradcam', images=80, others=[], choices={}, sanity=dict(cascade=[like(.3)], limit=.8, survives=False),
        bias={k: dict(n=40, shares={'border': share, 'left half of the image': share}) for k in ('no pneumonia', 'pneumonia')},
        localization=dict(
            n=30, patients=20, positives_without_boxes=3, boxes_clipped=4, cut=dict.fromkeys(MODELS, .15),
            maps=dict(zip(MODELS, map(row, (model, .1, mean_box, .12)), strict=True)),
            difference={k: row(gap) for k in MODELS[1:]},
            by=dict(view=[group('AP', 29), group('PA', 31)]), methods={k: row(.2) for k in ('gradcam', 'hirescam')}))


@pytest.fixture(scope='module')
def folder(tmp_path_factory, write_run, saving_dots):
    run = write_run(tmp_path_factory.mktemp('looked')/'run')
    with saving_dots(): remeasure(run, Settings(n_boot=5))
    return run


def page(folder, found=None):
    "The section of the page, as text with tags."
    (folder/'localization.json').unlink(missing_ok=True)
    if found: (folder/'localization.json').write_text(json.dumps(found))
    text = ' '.join(present_again(folder).read_text().split())
    return text, re.search('<section id="gradcam">.*?</section>', text, re.S)[0]


def test_a_run_without_scored_maps_says_how_to_score_them(folder):
    text, section = page(folder)
    assert 'python -m pneumo_fastai.gradcam RUN' in section and '<table' not in section
    assert 'Explainability or interpretability</th><td>in part' in text.replace('</span>', '')


def test_maps_that_were_taught_are_said_to_be_first_and_by_what(folder, new_run):
    assert 'were taught' not in page(folder, facts())[1]
    run = new_run('guided')
    for more, says in (('', 'lie in the boxes of the training images'), ('guided_by = "labels"\n', 'box was used')):
        (run/'experiment.toml').write_text(f'box_guidance = 1.0\n{more}')
        remeasure(run, Settings(n_boot=5))
        assert says in page(run, facts())[1].split('<table')[0]


def test_a_taught_run_whose_maps_are_not_scored_says_so_too(new_run):
    run = new_run('taught')
    (run/'experiment.toml').write_text('box_guidance = 1.0\n')
    remeasure(run, Settings(n_boot=5))
    assert 'were taught' in page(run)[1]


def test_the_numbers_of_the_file_stand_in_the_page(folder):
    text, section = page(folder, facts())
    for words in ('0.178 [0.08, 0.28]', '0.530 [0.43, 0.63]', 'n = 30 test images', 'of 20 patients', 'left out here: 3', ': 4.',
                  'heat from 0.15', '-0.352 [-0.452, -0.252]', 'the one shown here',
                  '0.10 ± 0.05 [+0.090, +0.110]', '0.30 ± 0.10 [+0.26, +0.34]'): assert words in section
    assert section.count('small group') == 1  # of 29 images, not that of 31
    assert 'Explainability or interpretability</th><td>yes' in text.replace('</span>', '')


@pytest.mark.parametrize('model, gap, says', [(.178, -.352, 'the maps do not beat it, they do worse (-35.2 percentage points'),
                                              (.55, .02, 'the maps do not beat it (+2.0'), (.9, .37, 'the maps beat it (+37.0')])
def test_the_verdict_follows_the_interval_of_the_paired_difference(folder, model, gap, says):
    lines = verdicts(facts(model, .53, gap))
    assert says in lines[0] and f'{model:.1%} of images' in lines[0] and '53.0%' in lines[0]
    assert ('do not read its heat' in ' '.join(lines)) == (gap < .1)
    found = facts(model, .53, gap)
    found['sanity']['cascade'] = [like(.01)]
    assert f'<div class="{"notice" if gap > .1 else "warning"}"' in page(folder, found)[1]


def test_two_measures_that_disagree_are_both_told():
    found = facts(.9, .53, .37)
    found['localization']['difference']['mean box of train']['average_precision'] = m(-.3)
    assert 'by AUPRC the maps do not beat it, they do worse' in verdicts(found)[0]


def test_maps_that_survive_random_weights_are_a_warning_of_the_page(folder):
    found = facts()
    found['sanity'] |= dict(cascade=[like(.95)], survives=True)
    text, section = page(folder, found)
    words, = warnings(folder)
    assert words in text.split('To know before')[1].split('</header>')[0] and 'the maps survive' in section
    page(folder, facts())
    assert not list(warnings(folder)) and 'survive' not in json.loads((folder/'metrics.json').read_text())['warnings']


@pytest.mark.parametrize('likeness, says', [
    (like(.49), 'is +0.490 [+0.45, +0.53]: that part of the maps does not depend on the weights'),
    (like(.01), 'is +0.010 [-0.03, +0.05]: no part of the maps is seen to stay'),
    (like(-.3), 'is -0.300 [-0.34, -0.26]: that part of the maps does not depend on the weights'),
    (dict(rank_correlation=dict(mean=.3, sd=.1)), 'is +0.300 [no interval]: whether part of the maps stays is not told')])
def test_the_verdict_on_random_weights_follows_the_interval(folder, likeness, says):
    found = facts(.9, .53, .37)
    found['sanity']['cascade'] = [like(.01) | likeness]
    line = verdicts(found)[-1]
    assert says in line and ('of every pair' in line or '0.8' in line) and 'as they should' not in line
    assert ('<div class="warning"' in page(folder, found)[1]) == ('does not depend' in line)


def test_runs_that_were_compared_stand_beside_random_weights():
    found, same = facts(), {k: v for k, v in like(.6).items() if k != 'randomised'}
    found['others'] = [dict(run=str(i), differs=d, **same) for i, d in enumerate((dict(seed=1), dict(shuffle_labels=True), dict(epochs=9)))]
    line = verdicts(found)[-1]
    assert 'With all weights random' in verdicts(found)[-2]
    assert line == ('For comparison, with the maps of other networks: +0.600 [+0.56, +0.64] with another seed; +0.600 [+0.56, +0.64] with '
                    'shuffled labels.')


def test_more_heat_than_area_is_said_only_where_the_interval_leaves_out_equality(folder):
    found = facts()
    found['bias']['pneumonia']['shares'] = {
        'border': dict(heat=.2, area=.1, more=m(.1, .02)), 'top corners': dict(heat=.11, area=.1, more=m(.01, .03)),
        'outside the body': dict(heat=.01, area=.1, more=m(-.09, .01)), 'left half of the image': dict(heat=.6, area=.5, more=m(.1, .02))}
    found['bias']['no pneumonia']['shares'] = {k: dict(heat=.05, area=.1, more=m(-.05, .01)) for k in found['bias']['pneumonia']['shares']}
    _, section = page(folder, found)
    for words in ('More heat than area: border (pneumonia: 20.0% of the heat on 10.0% of the area, +10.0 percentage points [+8.0, +12.0]).',
                  'Undecided: top corners (pneumonia: 11.0% of the heat on 10.0% of the area, +1.0 percentage points [-2.0, +4.0]).'):
        assert words in section
    for kind in found['bias'].values(): kind['shares'] = found['bias']['no pneumonia']['shares']
    assert 'None of these regions has more heat than its area' in page(folder, found)[1]
    for kind in found['bias'].values(): kind['shares'] = {'border': dict(heat=.2, area=.1)}  # of a run that was explained before
    says = 'Undecided: border (no pneumonia: 20.0% of the heat on 10.0% of the area, +10.0 percentage points [no interval])'
    assert says in page(folder, found)[1]


def test_data_without_boxes_and_other_runs_read_well(folder):
    found = facts()
    found['localization'] = dict(reason='not defined, because no positive of valid or of test has boxes', positives_without_boxes=9,
                                 boxes_clipped=0)
    same = {k: v for k, v in like(.4).items() if k != 'randomised'}
    found['others'] = [dict(run='b', differs=d, **same) for d in (dict(seed=1), dict(shuffle_labels=True, seed=2), dict(epochs=9), {})]
    _, section = page(folder, found)
    assert 'drew boxes is not defined, because no positive' in section and 'pointing' not in section and 'None' not in section
    assert section.count('how repeatable') == 1 and section.count('dealt out at random') == 1 and 'epochs 9' in section
    assert 'nothing in its recipe' in section and 'border (no pneumonia: 20.0% of the heat on 10.0% of the area, +10.0' in section
    assert 'left half of the image (' not in section
    flat = deepcopy(found)
    flat['sanity']['cascade'][0]['rank_correlation'] = None
    assert 'a map of every pair is flat' in page(folder, flat)[1]


def test_a_gif_is_taken_in_as_one(folder):
    Image.new('L', (2, 2)).save(folder/'attention.gif')
    assert 'src="data:image/gif;base64,R0lGOD' in page(folder, facts())[1]
