import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from pneumo_fastai.cli import run
from pneumo_fastai.errors import InputError
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.inference.decision import sets
from pneumo_fastai.models.architectures.resnet18 import ResNet18
from pneumo_fastai.predict import predict
from pneumo_fastai.runs import facts
from pneumo_fastai.runs.checksums import write_sums

RECIPE = dict(arch='resnet18', size=32, aspect='pad', any_view=False, mean=0.4, std=0.2, threshold=0.3, experiment='e', data='d',
              synthetic=False, calibrator=dict(method='temperature', temperature=2.))


@pytest.fixture
def bundle(tmp_path):
    torch.manual_seed(0)
    Bundle(ResNet18().state_dict(), RECIPE).save(tmp_path/'model')
    return Bundle.load(tmp_path)


def test_round_trip_without_code_in_the_file(bundle, tmp_path):
    assert bundle.recipe == RECIPE and not bundle.model.training
    saved = load_file(tmp_path/'model/weights.safetensors')
    assert all(torch.equal(v, saved[k]) for k, v in bundle.model.state_dict().items())
    assert {p.name for p in (tmp_path/'model').iterdir()} == {'weights.safetensors', 'model.json', 'README.md'}
    moved = (tmp_path/'model').rename(tmp_path/'elsewhere')
    assert Bundle.load(moved).identity == bundle.identity


def test_what_an_older_model_left_in_the_folder_is_not_taken_for_its_own(bundle, tmp_path):
    folder = tmp_path/'model'
    bundle.references = dict(features_1=np.eye(4, dtype=np.float16), labels_1=np.zeros(4, np.int8))
    bundle.save(folder)
    assert set(Bundle.load(folder).references) == set(bundle.references)
    bundle.references = {}
    bundle.save(folder)
    assert not Bundle.load(folder).references


def test_a_bad_file_among_good_ones_is_listed_and_the_rest_do_not_move(bundle, films, tmp_path):
    good = sorted(str(p) for p in (films/'NORMAL').iterdir())[:5]
    (tmp_path/'bad.dcm').write_bytes(b'no')
    table = bundle.table([*good[:2], str(tmp_path/'bad.dcm'), *good[2:]])
    alone = bundle.table(good)
    np.testing.assert_allclose(table.probability.drop(2), alone.probability, atol=1e-6)
    assert np.isnan(table.probability[2]) and table.reason[2] and table.prediction[2] is None and table.reason.isna().sum() == 5
    odds = alone.probability / (1 - alone.probability)
    np.testing.assert_allclose(alone.calibrated, 1 / (1 + odds**-0.5), rtol=1e-5)  # temperature 2: the square root of the odds
    assert list(alone.prediction) == ['pneumonia' if p >= 0.3 else 'no pneumonia' for p in alone.probability]


def test_an_image_unlike_those_of_training_has_a_warning(bundle, films, tmp_path, capsys):
    from PIL import Image

    from pneumo_fastai.data.cache import open_pixels
    from pneumo_fastai.data.likeness import grey_range
    seen = sorted(str(p) for p in (films/'NORMAL').iterdir())[:20]
    (tmp_path/'new').mkdir()
    Image.new('L', (48, 48)).save(tmp_path/'new/black.png')
    (tmp_path/'new/bad.dcm').write_bytes(b'no')
    files = [*seen, str(tmp_path/'new/black.png'), str(tmp_path/'new/bad.dcm')]
    assert bundle.table(files).warnings.isna().all()  # a model that was exported before: nothing is known
    pixels = open_pixels(seen, 32)
    usual = grey_range(pixels, seen)
    Bundle(bundle.model.state_dict(), RECIPE | dict(grey=usual, threshold_from='youden')).save(tmp_path/'model')
    again = Bundle.load(tmp_path)
    table = again.table(files)
    assert again.recipe['grey'] == usual and list(table.warnings.notna()) == [False] * 20 + [True, False]
    assert 'standard deviation 0.0' in table.warnings[20] and table.probability.notna()[20] and table.reason.isna()[20]
    predict(str(tmp_path), str(tmp_path/'new'), out=str(tmp_path/'table.csv'))
    said = ' '.join(capsys.readouterr().out.split())
    assert 'warning: 1 of 2 images are unlike those of training' in said
    assert list(pd.read_csv(tmp_path/'table.csv').warnings.notna()) == [False, True]  # bad.dcm is first


def test_what_is_no_model_says_so(tmp_path):
    with pytest.raises(InputError, match=r'holds no model/model\.json'): Bundle.load(tmp_path)
    with pytest.raises(InputError, match=r'holds no model/model\.json'): Bundle.load(tmp_path/'nothing')
    (tmp_path/'model.json').write_bytes(b'no')
    with pytest.raises(InputError, match='is no JSON'): Bundle.load(tmp_path)


LIMITS = dict(error_rate=.1, limit={'0': .6, '1': .7}, n={'0': 99, '1': 99})


def test_the_sets_are_those_of_the_limits_which_travel_with_the_model(bundle, films, tmp_path):
    Bundle(bundle.model.state_dict(), RECIPE | dict(conformal=LIMITS)).save(tmp_path/'model')
    again = Bundle.load(tmp_path/'model')
    assert again.recipe['conformal'] == LIMITS and again.identity != bundle.identity
    assert list(sets(again.recipe, np.array([.2, .3, .5, .6, .61]))) == ['no pneumonia', *['cannot tell'] * 3, 'pneumonia']
    (tmp_path/'bad.png').write_bytes(b'no')
    found = again.table([*sorted(map(str, (films/'NORMAL').iterdir()))[:3], str(tmp_path/'bad.png')])
    assert list(found['set'][:3]) == list(sets(again.recipe, found.probability[:3].to_numpy())) and found['set'][3] is None
    assert bundle.table([str(tmp_path/'bad.png')])['set'].isna().all()  # a model without limits


def flipped(raw, at, path):
    spoiled = bytearray(raw)
    spoiled[at] ^= 1 << (at % 8)
    path.write_bytes(spoiled)


def test_one_flipped_byte_of_a_run_stops_predict(bundle, films, tmp_path, capsys):
    path = tmp_path/'model/weights.safetensors'
    raw = path.read_bytes()
    flipped(raw, len(raw)//2, path)
    assert run(predict, [str(tmp_path), str(films/'NORMAL'), '--out', str(tmp_path/'p.csv')]) == 2
    err = capsys.readouterr().err
    assert err.count('\n') == 1 and f'{path} is damaged' in err and not list(tmp_path.glob('p.csv*'))


def test_a_model_that_is_not_that_of_the_run_stops_predict(bundle, tmp_path):
    write_sums(tmp_path)
    Bundle.load(tmp_path)
    Bundle(ResNet18().state_dict(), RECIPE | dict(threshold=.9)).save(tmp_path/'model')
    with pytest.raises(InputError, match=r'model/model\.json was another when the run ended'): Bundle.load(tmp_path)
    Bundle.load(tmp_path/'model')  # sound in itself
    bundle.save(tmp_path/'model')
    Bundle.load(tmp_path)  # the same bytes again
    (tmp_path/'model/model.json').unlink()
    with pytest.raises(InputError, match=r'holds no model/model\.json; give the folder that fit wrote'): Bundle.load(tmp_path)


@pytest.mark.parametrize('spoil, says', [
    (lambda s, r: r.pop('threshold'), 'it has no threshold'), (lambda s, r: r.update(arch='vit'), "'vit' is unknown"),
    (lambda s, r: s.pop('fc.weight'), 'its weights are not those of resnet18'),
    (lambda s, r: r.update(threshold='much'), 'threshold'),
    (lambda s, r: r.update(calibrator=dict(method='x')), 'its calibrator'), (lambda s, r: r.update(mean='x'), 'its mean'),
    (lambda s, r: r.update(std=0.), 'std not above 0'), (lambda s, r: r.update(calibrator=dict(method='temperature')), 'its calibrator'),
    (lambda s, r: r.update(members=2), 'its weights are not those'), (lambda s, r: r.update(conformal={}), 'its limits of conformal'),
    (lambda s, r: r.update(aspect='x'), "aspect 'x'"), (lambda s, r: r.update(grey_levels='x'), "grey_levels 'x'")])
def test_a_model_that_lacks_something_says_what(bundle, tmp_path, spoil, says):
    state, recipe = dict(bundle.model.state_dict()), dict(RECIPE)
    spoil(state, recipe)
    save_file(state, tmp_path/'model/weights.safetensors')
    facts.save(tmp_path/'model', facts.described(recipe, {}))
    with pytest.raises(InputError, match=says) as e: Bundle.load(tmp_path)
    assert '\n' not in str(e.value) and f'{tmp_path}/model' in str(e.value)


def test_no_class_is_named_for_what_is_no_number(films, tmp_path, capsys):
    state = ResNet18().state_dict()
    state['fc.bias'] = torch.tensor([0., float('nan')])
    Bundle(state, RECIPE).save(tmp_path/'model')
    table = Bundle.load(tmp_path).table(sorted(map(str, (films/'NORMAL').iterdir()))[:3])
    assert table.prediction.isna().all() and (table.reason == 'the network gives no number for it').all() and table.probability.isna().all()
    assert run(predict, [str(tmp_path), str(films/'NORMAL'), '--out', str(tmp_path/'p.csv')]) == 1
    assert 'pneumonia,' not in (tmp_path/'p.csv').read_text() and 'no pneumonia' not in capsys.readouterr().out
