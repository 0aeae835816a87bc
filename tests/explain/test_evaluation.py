import json
import shutil

import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.explain.evaluation import explain_run, subject
from pneumo_fastai.explain.gradcam import METHODS, GradCAM
from pneumo_fastai.explain.maps import Maps
from pneumo_fastai.report.written import present_again

pytestmark = pytest.mark.usefixtures('undrawn')
LAYERS = ['2']  # the second convolution of the small network


def test_the_files_of_a_run_and_what_they_hold(explainable, sound):
    folder = explainable()
    ticks = []
    found = explain_run(folder, LAYERS, n_boot=10, worst=7, tick=lambda *a: ticks.append(a))
    split = pd.read_csv(folder/'split.csv')
    test = split[split.split == 'test']
    assert json.loads((folder/'localization.json').read_text()) == sound(found)
    scored = found['localization']
    assert scored['n'] == test.label.sum() and scored['patients'] == test[test.label == 1].patient.nunique()
    assert scored['positives_without_boxes'] == scored['boxes_clipped'] == 0 and set(scored['methods']) == set(METHODS)
    assert scored['maps']['a random point']['energy']['value'] == pytest.approx(16 * 20 / 48**2, rel=.02)
    assert scored['maps']['mean box of train']['pointing']['value'] == 1  # all boxes of this set are the same
    assert {k: v['n'] for k, v in found['bias'].items()} == {'no pneumonia': (test.label == 0).sum(), 'pneumonia': test.label.sum()}
    assert ticks[-1] == ((split.split != 'train').sum(),) * 2
    assert (folder/'top_losses.html').read_text().count('<article') == 7 and (folder/'mean_maps.png').is_file()
    assert (folder/'gradcam.png').is_file()
    assert 'Against the boxes' in present_again(folder).read_text()


def test_kept_maps_are_those_of_the_network(explainable):
    folder = explainable()
    explain_run(folder, LAYERS, 'layercam', n_boot=5)
    maps, of = Maps.load(folder/'gradcam.npz'), subject(folder)
    paths = list(of.rows('test').path)
    images = np.stack([of.cohort.pixels[p] for p in paths])
    x = of.bundle.tensor(paths[0])[None]
    np.testing.assert_allclose(x[0, 0].numpy(), (images[0] / 255 - .4) / .2, atol=1e-5)
    with GradCAM(of.bundle.model, LAYERS, 'layercam') as cam: heat = cam(x).numpy()
    np.testing.assert_allclose(maps.heat(paths[:1]), heat, atol=5e-3)  # kept as float16
    np.testing.assert_array_equal(np.stack(list(maps.each(paths, 3))), maps.heat(paths))


def test_a_run_without_boxes_has_the_rest(explainable):
    folder = explainable(boxes=False)
    found = explain_run(folder, LAYERS, n_boot=5, worst=0)
    split = pd.read_csv(folder/'split.csv')
    assert 'has boxes' in found['localization']['reason']
    assert found['localization']['positives_without_boxes'] == split[split.split == 'test'].label.sum()
    assert found['sanity']['cascade'] and (folder/'top_losses.html').read_text().count('<article') == (split.split == 'test').sum()
    assert 'drew boxes is not defined' in present_again(folder).read_text()


def test_a_run_adapted_to_others_has_no_training_images_to_learn_differences_from(adapted, explainable, tmp_path):
    found = explain_run(shutil.copytree(adapted[1], tmp_path/'out'), LAYERS, n_boot=5, worst=3)
    assert set(found['localization']['maps']) == {'model', 'a random point', 'untrained network'}


def test_positives_without_boxes_and_boxes_beyond_the_image_are_counted(explainable):
    folder = explainable()
    split = pd.read_csv(folder/'split.csv', dtype=str)
    positives = split.index[(split.split == 'test') & (split.label == '1')]
    split.loc[positives[0], 'boxes'], split.loc[positives[1], 'boxes'] = '[]', '[[40, 40, 30, 30]]'
    split.to_csv(folder/'split.csv', index=False)
    scored = explain_run(folder, LAYERS, n_boot=5)['localization']
    assert (scored['positives_without_boxes'], scored['boxes_clipped'], scored['n']) == (1, 1, len(positives) - 1)


def test_layers_method_and_mirroring_come_from_the_recipe_unless_given(explainable):
    folder = explainable()
    recipe = (folder/'experiment.toml').read_text().replace('gradcam_layers = ""', 'gradcam_layers = "0,2"')
    recipe = recipe.replace('gradcam_mirror = false', 'gradcam_mirror = true').replace('"gradcam"', '"hirescam"')
    (folder/'experiment.toml').write_text(recipe)
    own = explain_run(folder, n_boot=5)
    assert (own['layers'], own['method'], own['mirror']) == (['0', '2'], 'hirescam', True)
    maps, of = Maps.load(folder/'gradcam.npz'), subject(folder)
    path = of.rows('test').path.iloc[0]
    with GradCAM(of.bundle.model, ['0', '2'], 'hirescam', mirror=True) as cam: heat = cam(of.bundle.tensor(path)[None]).numpy()
    np.testing.assert_allclose(maps.heat([path]), heat, atol=5e-3)
    given = explain_run(folder, ['0'], 'gradcam', mirror=False, n_boot=5)
    assert (given['layers'], given['method'], given['mirror']) == (['0'], 'gradcam', False)


def test_the_model_beside_itself_and_beside_another_seed(explainable):
    folder, other = explainable(), explainable('other', seed=1)
    same, differs = explain_run(folder, LAYERS, n_boot=5, others=[folder, other])['others']
    assert same['differs'] == {} and same['ssim']['mean'] == pytest.approx(1, abs=1e-3)
    assert same['rank_correlation']['mean'] == pytest.approx(1, abs=1e-3)
    assert differs['differs'] == dict(seed=1) and differs['ssim']['mean'] < .99 and differs['run'] == 'other'


def test_images_that_are_gone_are_named(explainable, films, tmp_path):
    copy = shutil.copytree(films, tmp_path/'films')
    folder = explainable(data=copy)
    next(copy.rglob('*.png')).unlink()
    with pytest.raises(InputError, match=r'^1 of 80 images are gone.*put them back$'): explain_run(folder, LAYERS)
    assert not (folder/'gradcam.npz').exists()
