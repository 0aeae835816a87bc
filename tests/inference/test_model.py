"`load(run).predict(image)`: one answer whatever the image comes as and whichever thread asks."
import dataclasses
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from PIL import Image

from pneumo_fastai.errors import InputError, UnreadableImage
from pneumo_fastai.inference import Prediction, load
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.models.architectures.resnet18 import ResNet18
from pneumo_fastai.models.ensemble import Ensemble

RECIPE = dict(arch='resnet18', size=32, aspect='pad', any_view=False, mean=.4, std=.2, threshold=.5, data='d', experiment='e',
              synthetic=False, calibrator=dict(method='temperature', temperature=2.),
              grey={'mean': [80., 120.], 'standard deviation': [15., 60.]}, conformal=dict(limit={'0': .1, '1': .9}))


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    Bundle(ResNet18().state_dict(), RECIPE).save(tmp_path/'model')
    return tmp_path


@pytest.fixture
def paths(films): return sorted(map(str, films.rglob('*.png')))[::4]


@pytest.fixture
def film(tmp_path):
    ds = pydicom.Dataset()
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = '1.2.840.10008.1.2.1'
    ds.update(dict(Rows=40, Columns=60, SamplesPerPixel=1, PhotometricInterpretation='MONOCHROME1', BitsAllocated=16, BitsStored=12,
                   HighBit=11, PixelRepresentation=0, Modality='CR', WindowCenter=2000, WindowWidth=3000))
    ds.add_new('PixelData', 'OW', np.random.default_rng(0).integers(0, 4096, (40, 60)).astype('<u2').tobytes())
    ds.save_as(tmp_path/'film.dcm')
    return ds


def test_it_says_what_the_table_says_of_one_and_of_many(saved, paths):
    model, table = load(saved), Bundle.load(saved).table(paths)
    found = model.predict(paths)
    assert isinstance(model.predict(paths[0]), Prediction) and model.predict([]) == [] and len(found) == len(paths) > 16
    np.testing.assert_allclose([p.probability for p in found], table.probability, atol=1e-6)
    np.testing.assert_allclose([p.calibrated for p in found], table.calibrated, atol=1e-6)
    for column in ('prediction', 'set'): assert [getattr(p, column) for p in found] == list(table[column])
    assert [list(p.warnings) for p in found] == [[w] if w else [] for w in table['warnings']] and found[0].disagreement is None
    assert all(type(v) in (float, str, tuple, type(None)) for v in dataclasses.astuple(found[0]))
    with pytest.raises(dataclasses.FrozenInstanceError): found[0].probability = 0.


def test_a_path_its_pixels_and_a_data_set_are_one_image(saved, paths, film):
    model, pixels = load(saved), np.asarray(Image.open(paths[0]))
    assert model.predict(paths[0]) == model.predict(pixels) == model.predict(pixels / np.float32(255))
    for path in (saved/'film.dcm', paths[0]): assert model.predict(Path(path).read_bytes()) == model.predict(path)
    assert model.predict(saved/'film.dcm') == model.predict(film) == model.predict(pydicom.dcmread(saved/'film.dcm', force=True))
    assert model.predict(np.zeros((50, 30), np.uint8)).warnings[0].startswith('grey levels unlike those of training')
    torch.testing.assert_close(model.predict([film, paths[0]])[1].probability, model.predict(paths[0]).probability, atol=1e-6, rtol=0)


def test_an_array_is_spread_as_the_file_of_it(saved, paths):
    torch.manual_seed(0)
    plain, at = load(saved).predict(paths[0]), saved/'spread'/'model'
    at.parent.mkdir()
    Bundle(ResNet18().state_dict(), RECIPE | dict(grey_levels='equalised')).save(at)
    model, pixels = load(at), np.asarray(Image.open(paths[0]))
    found = model.predict(pixels)
    assert found == model.predict(paths[0]) != plain
    assert model.predict(pixels // 4 + 100).probability == model.predict(pixels // 4).probability  # another exposure


def test_threads_that_ask_at_once_hear_what_one_hears(saved, paths, film):
    model = load(saved)
    asked = [*paths[:8], film, saved/'film.dcm', paths[:5], np.zeros((9, 9), np.uint8)] * 4
    alone = [model.predict(a) for a in asked]
    with ThreadPoolExecutor(8) as pool: assert list(pool.map(model.predict, asked)) == alone


def test_an_ensemble_has_its_disagreement_and_a_model_of_before_no_set(saved, paths):
    torch.manual_seed(1)
    twins = Ensemble([ResNet18(), ResNet18()], [(.4, .2)] * 2)
    Bundle(twins.state_dict(), {k: v for k, v in RECIPE.items() if k != 'conformal'} | dict(members=2)).save(saved/'model')
    found = load(saved/'model').predict(paths[0])
    assert found.set is None and found.disagreement == pytest.approx(Bundle.load(saved).table(paths[:1]).disagreement[0], abs=1e-6)


@pytest.mark.parametrize('image, says', [
    (None, 'an image is a NoneType; give a path'), (3, 'is a int'), (bytearray(b'x'), 'is a bytearray'),
    (np.zeros((4, 4), np.uint16), 'is of uint16'),
    (np.zeros((4, 4, 3), np.uint8), r'shape \(4, 4, 3\)'), (np.zeros((0, 4), np.uint8), r'shape \(0, 4\)'),
    (np.full((4, 4), 1.5), 'not from 0 to 1'), (np.full((4, 4), np.nan), 'not from 0 to 1'), ([[1]], 'is a list')])
def test_what_is_no_image_is_an_input_error_in_one_line(saved, image, says):
    with pytest.raises(InputError, match=says) as e: load(saved).predict(image)
    assert '\n' not in str(e.value)


def test_what_cannot_be_read_says_why(saved, paths, film):
    model = load(saved)
    (saved/'bad.png').write_bytes(b'no')
    for path in (saved/'bad.png', 'nowhere.png', saved, 'a\0b'):
        with pytest.raises(UnreadableImage) as e: model.predict([paths[0], path])
        assert e.value.path == str(path) and e.value.reason
    film.Modality = 'CT'
    with pytest.raises(UnreadableImage, match='the data set: is of modality CT'): model.predict(film)
    with pytest.raises(UnreadableImage, match='the data set: '): model.predict(pydicom.Dataset())
    with pytest.raises(InputError, match=r'holds no model/model'): load(saved/'nowhere')


def test_no_number_is_no_prediction(saved, paths):
    state = ResNet18().state_dict()
    state['fc.bias'] = torch.tensor([0., float('nan')])
    Bundle(state, RECIPE).save(saved/'model')
    with pytest.raises(UnreadableImage, match='gives no number'): load(saved).predict(paths[0])


def test_it_imports_nothing_of_training(saved, paths, film):
    code = "import sys; import pneumo_fastai.inference; assert 'torch' not in sys.modules\n" \
           'from pneumo_fastai.inference import load\n' \
           'model = load(sys.argv[1]); model.predict(sys.argv[2:])\n' \
           "print('loaded:', [o for o in ('fastai', 'matplotlib', 'sklearn', 'scipy', 'torchvision') if o in sys.modules])"
    done = subprocess.run([sys.executable, '-c', code, saved, saved/'film.dcm', paths[0]], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and 'loaded: []' in done.stdout, done.stderr
