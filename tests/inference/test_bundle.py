import json

import numpy as np
import pytest
import torch

from pneumo_fastai.errors import InputError
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.models.resnet import ResNet18

RECIPE = dict(arch='resnet18', size=32, aspect='pad', any_view=False, mean=0.4, std=0.2, threshold=0.3, experiment='e', data='d',
              synthetic=False, calibrator=dict(method='temperature', temperature=2.))


@pytest.fixture
def bundle(tmp_path):
    torch.manual_seed(0)
    Bundle(ResNet18().state_dict(), RECIPE).save(tmp_path/'model.pt')
    return Bundle.load(tmp_path)


def test_round_trip_without_code_in_the_file(bundle, tmp_path):
    assert bundle.recipe == RECIPE and not bundle.model.training
    saved = torch.load(tmp_path/'model.pt', weights_only=True)
    assert all(torch.equal(v, saved['state'][k]) for k, v in bundle.model.state_dict().items())


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
    from pneumo_fastai.predict import show
    seen = sorted(str(p) for p in (films/'NORMAL').iterdir())[:20]
    Image.new('L', (48, 48)).save(tmp_path/'black.png')
    (tmp_path/'bad.dcm').write_bytes(b'no')
    files = [*seen, str(tmp_path/'black.png'), str(tmp_path/'bad.dcm')]
    assert bundle.table(files).warning.isna().all()  # a model that was exported before: nothing is known
    pixels = open_pixels(seen, 32)
    usual = grey_range(pixels, seen)
    Bundle(bundle.model.state_dict(), RECIPE | dict(grey=usual, threshold_from='youden')).save(tmp_path/'model.pt')
    again = Bundle.load(tmp_path)
    table = again.table(files)
    assert again.recipe['grey'] == usual and list(table.warning.notna()) == [False] * 20 + [True, False]
    assert 'standard deviation 0.0' in table.warning[20] and table.probability.notna()[20] and table.reason.isna()[20]
    show(table, again.recipe)
    said = ' '.join(capsys.readouterr().out.split())
    assert 'warning: 1 of 22 images have grey levels unlike those of training' in said and 'the first: black.png' in said


def test_what_is_no_model_says_so(tmp_path):
    (tmp_path/'model.pt').write_bytes(b'no')
    with pytest.raises(InputError, match='is not a model that fit wrote'): Bundle.load(tmp_path)
    with pytest.raises(InputError, match=r'holds no model\.pt'): Bundle.load(tmp_path/'nothing')


def test_weights_without_a_recipe_are_no_model(tmp_path):
    torch.save({'x': torch.zeros(1)}, tmp_path/'best.pth')
    with pytest.raises(InputError, match='is not a model that fit wrote'): Bundle.load(tmp_path/'best.pth')


def test_the_threshold_is_the_one_that_evaluate_wrote_last(bundle, tmp_path):
    now = dict(threshold=dict(value=0.7, rule='sensitivity'), calibration=dict(chosen=dict(method='none')))
    (tmp_path/'metrics.json').write_text(json.dumps(now))
    again = Bundle.load(tmp_path).recipe
    assert (again['threshold'], again['threshold_from'], again['calibrator']) == (0.7, 'sensitivity', {'method': 'none'})
