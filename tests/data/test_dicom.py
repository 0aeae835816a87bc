import warnings

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_modality_lut, apply_voi, apply_windowing
from pydicom.uid import ExplicitVRLittleEndian

from pneumo_fastai.data.dicom import (
    UnreadableImage,
    grey_levels,
    hashed,
    read_film,
    read_square,
    square,
    square_boxes,
    stored_values,
    window,
    years,
)


def dataset(pixels, bits=None, photometric='MONOCHROME2', **header):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = *pixels.shape[:2], 1 if pixels.ndim == 2 else 3, photometric
    ds.BitsAllocated = pixels.dtype.itemsize * 8
    ds.BitsStored = bits or ds.BitsAllocated
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, int(pixels.dtype.kind == 'i')
    if pixels.ndim == 3: ds.PlanarConfiguration = 0
    ds.add_new('PixelData', 'OW' if ds.BitsAllocated == 16 else 'OB', pixels.tobytes())
    for k, v in header.items(): setattr(ds, k, v)
    return ds


@pytest.fixture
def saved(tmp_path):
    def save(*args, **kwargs):
        dataset(*args, **kwargs).save_as(tmp_path/'a.dcm', enforce_file_format=False)
        return tmp_path/'a.dcm'
    return save


def ramp(bits, dtype): return np.arange(2**bits, dtype=np.int64).reshape(-1, 16).astype(dtype)


@pytest.mark.parametrize('bits, dtype', [(8, np.uint8), (10, np.uint16), (12, np.uint16), (15, np.uint16), (16, np.uint16)])
def test_without_a_window_the_header_decides_the_scale_never_the_image(saved, bits, dtype):
    dark = ramp(bits, dtype) // 4  # uses a quarter of the range only
    film = read_film(saved(dark, bits))
    np.testing.assert_array_equal(film.pixels, np.round(dark / (2**bits - 1) * 255))
    assert film.pixels.max() <= 64


def test_signed_values_with_a_rescale(saved):
    x = np.array([[-2048, -1024], [0, 2047]], np.int16)
    film = read_film(saved(x, 12, RescaleSlope=2, RescaleIntercept=-100))
    np.testing.assert_array_equal(film.pixels, np.round((x + 2048) / 4095 * 255))


def test_monochrome1_is_inverted_once(saved):
    x = ramp(8, np.uint8)
    np.testing.assert_array_equal(read_film(saved(x, photometric='MONOCHROME1')).pixels, 255 - x)
    np.testing.assert_array_equal(read_film(saved(x, photometric='MONOCHROME1', PresentationLUTShape='INVERSE')).pixels, 255 - x)
    np.testing.assert_array_equal(read_film(saved(x, PresentationLUTShape='INVERSE')).pixels, 255 - x)


@pytest.mark.parametrize('function', ['LINEAR', 'LINEAR_EXACT', 'SIGMOID'])
@pytest.mark.parametrize('slope, intercept', [(1, 0), (2, -500)])
def test_windows_agree_with_pydicom(function, slope, intercept):
    ds = dataset(ramp(12, np.uint16), 12, WindowCenter=1500, WindowWidth=1200, VOILUTFunction=function, RescaleSlope=slope,
                 RescaleIntercept=intercept)
    x = apply_modality_lut(stored_values(ds), ds)
    top = slope * 4095 + intercept
    theirs = (apply_windowing(x, ds) - intercept) / (top - intercept)  # pydicom maps to the range of the rescaled stored bits
    np.testing.assert_allclose(grey_levels(ds), theirs * 255, atol=0.51)


def test_a_window_worked_by_hand():
    # PS3.3 C.11.2.1.2.1: centre 2048, width 4096, output 0..255: 0 -> 0, 4095 -> 255; centre 0, width 1 is a step at -0.5
    assert window(np.array([0., 4095.]), 2048, 4096).tolist() == [0, 1]
    assert window(np.array([-1., 0.]), 0, 1).tolist() == [0, 1]
    np.testing.assert_allclose(window(np.array([0., 0.5, 1.]), 0.5, 1, 'LINEAR_EXACT'), [0, 0.5, 1])
    np.testing.assert_allclose(window(np.array([10.]), 10, 5, 'SIGMOID'), 0.5)


def test_the_order_is_rescale_window_then_inversion():
    ds = dataset(ramp(8, np.uint8), 8, 'MONOCHROME1', RescaleSlope=10, RescaleIntercept=-1000, WindowCenter=500.5, WindowWidth=1001)
    x = np.arange(256) * 10 - 1000
    np.testing.assert_array_equal(grey_levels(ds), np.round(255 * (1 - np.clip((x - 0) / 1000, 0, 1))))


def test_of_several_windows_the_first_and_a_voi_lut_before_any(saved):
    several = dataset(ramp(8, np.uint8), WindowCenter=[100, 50], WindowWidth=[50, 10])
    one = dataset(ramp(8, np.uint8), WindowCenter=100, WindowWidth=50)
    np.testing.assert_array_equal(grey_levels(several), grey_levels(one))
    item = Dataset()
    item.add_new('LUTDescriptor', 'US', [256, 0, 12])
    item.add_new('LUTData', 'US', [int(4095 * (i / 255)**2) for i in range(256)])
    one.VOILUTSequence = [item]
    np.testing.assert_allclose(grey_levels(one), apply_voi(np.arange(256), one) / 4095 * 255, atol=0.5)


def test_jpeg_baseline_is_what_pillow_decodes(shared):
    path = sorted((shared/'rsna-16'/'stage_2_train_images').iterdir())[0]
    from io import BytesIO

    from pydicom.encaps import get_frame
    ds = pydicom.dcmread(path)
    jpeg = np.asarray(Image.open(BytesIO(get_frame(ds.PixelData, 0, number_of_frames=1))))
    film = read_film(path)
    np.testing.assert_array_equal(film.pixels, jpeg)
    assert (film.view, film.sex, film.age) == (ds.ViewPosition, ds.PatientSex, float(ds.PatientAge))
    assert film.patient and ds.PatientID not in film.patient


def test_rgb_becomes_luminance(saved):
    rgb = np.zeros((2, 2, 3), np.uint8)
    rgb[0] = [255, 0, 0]
    assert read_film(saved(rgb, photometric='RGB')).pixels.tolist() == [[76, 76], [0, 0]]  # ITU-R 601: 0.299


def test_pictures(tmp_path):
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for name, image in {'l.png': Image.fromarray(grey), 'rgb.png': Image.fromarray(np.dstack([grey] * 3)),
                        'p.png': Image.fromarray(grey).convert('P'), '16.png': Image.fromarray(grey.astype(np.uint16) * 257)}.items():
        image.save(tmp_path/name)
        np.testing.assert_array_equal(read_film(tmp_path/name).pixels, grey, err_msg=name)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to see it upright
    Image.fromarray(np.repeat(grey, 2, 1)).save(tmp_path/'turned.jpg', exif=exif)
    assert read_film(tmp_path/'turned.jpg').pixels.shape == (32, 16)


def bad_files(folder, good):
    raw = good.read_bytes()
    no_pixels = dataset(np.zeros((4, 4), np.uint8))
    del no_pixels.PixelData
    huge = dataset(np.zeros((4, 4), np.uint8), Rows=65000, Columns=65000)
    wrong_length = dataset(np.zeros((4, 4), np.uint8), Rows=40)
    for name, d in {'no_pixels.dcm': no_pixels, 'huge.dcm': huge, 'wrong_length.dcm': wrong_length}.items():
        d.save_as(folder/name, enforce_file_format=False)
    (folder/'truncated.dcm').write_bytes(raw[:len(raw) // 2])
    (folder/'empty.dcm').write_bytes(b'')
    (folder/'text.dcm').write_text('patient: Doe^John\n' * 20)
    (folder/'cut.png').write_bytes(b'\x89PNG\r\n\x1a\n' + b'x' * 40)
    return sorted(folder.iterdir())


def test_whatever_the_bytes_one_exception_with_the_file_and_a_reason(tmp_path, shared):
    good = sorted((shared/'rsna-16'/'stage_2_train_images').iterdir())[0]
    for path in [*bad_files(tmp_path, good), tmp_path/'absent.dcm', tmp_path]:
        with pytest.raises(UnreadableImage) as e, warnings.catch_warnings(): read_film(path)
        assert e.value.path == str(path) and e.value.reason and 'Doe' not in str(e.value)


def test_no_header_value_of_a_patient_is_warned_about(saved):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        path = saved(ramp(8, np.uint8), PatientAge='forty-two years of age', PatientName='Doe^John', PatientID='4711')
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter('always')
        film = read_film(path)
    assert not seen and np.isnan(film.age) and '4711' not in str(film)


def test_square_keeps_aspect_and_mean():
    x = np.full((100, 50), 200, np.uint8)
    padded = square(x, 40, 'pad')
    assert (padded[:, 10:30] == 200).all() and (padded[:, :10] == 0).all() and (padded[:, 30:] == 0).all()
    assert (square(x, 40, 'crop') == 200).all() and (square(x, 40, 'stretch') == 200).all()
    noise = np.random.default_rng(0).integers(0, 256, (1024, 1024)).astype(np.uint8)
    assert abs(square(noise, 224).mean() - noise.mean()) < 0.5  # area-aware: nothing is sampled away
    checks = np.indices((64, 64)).sum(0) % 2 * 255
    assert np.ptp(square(checks.astype(np.uint8), 16)[2:-2, 2:-2].astype(int)) <= 2  # no aliasing


@pytest.mark.parametrize('aspect', ['pad', 'crop', 'stretch'])
@pytest.mark.parametrize('shape', [(300, 200), (200, 300), (256, 256)])
def test_boxes_go_where_the_pixels_go(aspect, shape):
    x = np.zeros(shape, np.uint8)
    x[100:140, 60:120] = 255
    (left, top, width, height), = square_boxes([(60, 100, 60, 40)], *shape, 128, aspect)
    rows, columns = np.where(square(x, 128, aspect) > 127)
    found = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    np.testing.assert_allclose(found, [left, top, left + width, top + height], atol=1)


def test_header_fields():
    assert [years(o) for o in ('051Y', '51', 51, '006M', '365D')] == [51, 51, 51, 0.5, pytest.approx(1, abs=0.001)]
    assert all(np.isnan(years(o)) for o in (None, '', 'old', '-3Y'))
    assert hashed('a') == hashed('a') != hashed('b') and hashed('') is None and len(hashed('a')) == 16


def test_training_and_inference_share_the_decoder(saved):
    pixels, film = read_square(saved(ramp(8, np.uint8)), 32, 'stretch')
    np.testing.assert_array_equal(pixels, square(film.pixels, 32, 'stretch'))
