"Small DICOM data sets in memory and on disk."
import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian


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
