"Small DICOM data sets in memory and on disk, films, and folders of them."
import json
import re

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian

from pneumo_fastai.data.audit import ready
from pneumo_fastai.data.cache import open_pixels
from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.data.decoding.dicom import read_square
from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import Experiment


def make(pixels, bits=None, photometric='MONOCHROME2', syntax=ExplicitVRLittleEndian, frames=None, **header):
    "A data set of `pixels`; with `frames`, a list of codestreams, those are its pixel data."
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = *pixels.shape[:2], 1 if pixels.ndim == 2 else 3, photometric
    ds.BitsAllocated = pixels.dtype.itemsize * 8
    ds.BitsStored = bits or ds.BitsAllocated
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, int(pixels.dtype.kind == 'i')
    if pixels.ndim == 3: ds.PlanarConfiguration = 0
    wide = ds.BitsAllocated == 16 and frames is None
    ds.add_new('PixelData', 'OW' if wide else 'OB', encapsulate(frames) if frames else pixels.tobytes())
    ds['PixelData'].is_undefined_length = frames is not None
    for k, v in header.items(): setattr(ds, k, v)
    return ds


def ramp(bits, dtype=np.uint16): return np.arange(2**bits, dtype=np.int64).reshape(-1, 16).astype(dtype)


@pytest.fixture(name='dataset', scope='session')
def _dataset(): return make


@pytest.fixture(name='ramp', scope='session')
def _ramp(): return ramp


@pytest.fixture
def saved(tmp_path):
    "Write what `make` makes, or a given data set; returns the path."
    def save(*args, **kwargs):
        ds = args[0] if isinstance(args[0], Dataset) else make(*args, **kwargs)
        ds.save_as(tmp_path/'a.dcm', enforce_file_format=False)
        return tmp_path/'a.dcm'
    return save


def film(seed, height=160, width=128):
    "Blurred noise: structure at every scale, as a radiograph has."
    rng, x = np.random.default_rng(seed), 0
    for n in (4, 8, 16, 32, 64):
        x = x + np.asarray(Image.fromarray(rng.normal(size=(n, n)).astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC))
    return (110 + 25*x).clip(0, 255).astype(np.uint8)


def class_folder(folder, films):
    "Write {'NORMAL/a.png': pixels} and read it as a cohort with pixels, undivided."
    for name, pixels in films.items():
        (folder/name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(folder/name)
    return ready(read_cohort(folder, 1), Experiment(size=64))


@pytest.fixture(name='film', scope='session')
def _film(): return film


@pytest.fixture(name='class_folder', scope='session')
def _class_folder(): return class_folder


@pytest.fixture(name='only', scope='session')
def _only():
    "Of the cache in the folder c the one file of its decoded pixels whose name is like `pattern`."
    def only(pattern, tmp_path): return next((tmp_path/'c'/'pixels').glob(f'*/{pattern}'))
    return only


@pytest.fixture(name='overwrite', scope='session')
def _overwrite():
    "Put other bytes into a file, `at` a place."
    def overwrite(file, at, data):
        with open(file, 'r+b') as f:
            f.seek(at)
            f.write(data)
    return overwrite


@pytest.fixture
def paths(tmp_path):
    "Seven pictures of noise."
    rng = np.random.default_rng(0)
    for i in range(7): Image.fromarray(rng.integers(0, 256, (50, 40)).astype(np.uint8)).save(tmp_path/f'{i}.png')
    return [str(tmp_path/f'{i}.png') for i in range(7)]


@pytest.fixture
def kept(paths, tmp_path):
    "Opens the cache that has them."
    def again(): return open_pixels(paths, 32, folder=tmp_path/'c')
    again()
    return again


def is_right(pixels, paths):
    for p in paths: np.testing.assert_array_equal(pixels[p], read_square(p, 32)[0])
    assert pixels.table.reason.isna().all() and pixels.table.height.eq(50).all()


@pytest.fixture(scope='session')
def right(): return is_right


def touched(folder, *names):
    for name in names:
        (folder/name).parent.mkdir(parents=True, exist_ok=True)
        (folder/name).touch()


GOOD = ['a,,,,,0', 'b,1,2,3,4,1', 'b,5.5,6,7,8,1', 'c,,,,,0', 'd,1,1,9,9,1']


def in_rsnas_layout(folder, rows=GOOD, ids='abcd', sep=',', mapping=None):
    "RSNA's layout with empty files: `rows` as lines with commas."
    touched(folder, *(f'stage_2_train_images/{i}.dcm' for i in ids))
    text = '\n'.join(['patientId,x,y,width,height,Target', *rows]).replace(',', sep)
    (folder/'stage_2_train_labels.csv').write_text(text + '\n')
    if mapping is not None:
        mapped = [dict(subset_img_id=k, img_id=v) for k, v in mapping.items()]
        (folder/'pneumonia-challenge-dataset-mappings_2018.json').write_text(json.dumps(mapped))
    return folder


def with_manifest(folder, text, files=('a.png', 'b.png', 'c.png')):
    touched(folder, *files)
    (folder/'manifest.csv').write_text(text)
    return folder


def error_line(data):
    "The line by which a data set is refused."
    with pytest.raises(InputError) as error: read_cohort(data)
    assert '\n' not in str(error.value)
    return str(error.value)


@pytest.fixture(scope='session')
def touch(): return touched


@pytest.fixture(scope='session')
def rsna_folder(): return in_rsnas_layout


@pytest.fixture(scope='session')
def manifest_folder(): return with_manifest


@pytest.fixture(scope='session')
def wrong(): return error_line


@pytest.fixture(scope='session')
def has_note(): return lambda cohort, text: any(re.search(text, note) for note in cohort.notes)
