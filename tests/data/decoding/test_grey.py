import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_windowing

from pneumo_fastai.data.decoding.dicom import UnreadableImage, read_film
from pneumo_fastai.data.decoding.grey import cell_order, grey_levels, percentiles, stored_values, straight, window
from pneumo_fastai.data.decoding.header import Header


def lut(entries, first, bits):
    item = Dataset()
    item.add_new('LUTDescriptor', 'SS' if first < 0 else 'US', [len(entries), first, bits])
    item.add_new('LUTData', 'US', list(map(int, entries)))
    return [item]


@pytest.mark.parametrize('function', ['LINEAR', 'LINEAR_EXACT', 'SIGMOID'])
@pytest.mark.parametrize('slope, intercept', [(1, 0), (2, -500)])
@pytest.mark.parametrize('dtype', [np.uint16, np.int16])
def test_windows_agree_with_pydicom(dataset, ramp, function, slope, intercept, dtype):
    ds = dataset(ramp(12, dtype), 12, WindowCenter=1500, WindowWidth=1200, VOILUTFunction=function, RescaleSlope=slope,
                 RescaleIntercept=intercept)
    x = apply_modality_lut(stored_values(ds), ds)
    theirs = (apply_windowing(x, ds) - x.min()) / (x.max() - x.min())  # pydicom maps to the range of the rescaled stored bits
    np.testing.assert_allclose(grey_levels(ds), theirs * 255, atol=0.51)


def test_a_window_worked_by_hand():
    # PS3.3 C.11.2.1.2.1: centre 2048, width 4096, output 0..255: 0 -> 0, 4095 -> 255; centre 0, width 1 is a step at -0.5
    assert window(np.array([0., 4095.]), 2048, 4096).tolist() == [0, 1]
    assert window(np.array([-1., 0.]), 0, 1).tolist() == [0, 1]
    np.testing.assert_allclose(window(np.array([0., 0.5, 1.]), 0.5, 1, 'LINEAR_EXACT'), [0, 0.5, 1])
    np.testing.assert_allclose(window(np.array([10.]), 10, 5, 'SIGMOID'), 0.5)
    np.testing.assert_allclose(window(np.array([-1e9, 1e9]), 0, 1, 'SIGMOID'), [0, 1], atol=1e-9)  # and no overflow


def test_the_order_is_rescale_window_then_inversion(dataset, ramp):
    ds = dataset(ramp(8, np.uint8), 8, 'MONOCHROME1', RescaleSlope=10, RescaleIntercept=-1000, WindowCenter=500.5, WindowWidth=1001)
    x = np.arange(256) * 10 - 1000
    np.testing.assert_array_equal(grey_levels(ds), np.round(255 * (1 - np.clip((x - 0) / 1000, 0, 1))))


def test_monochrome1_is_inverted_once(saved, ramp):
    x = ramp(8, np.uint8)
    np.testing.assert_array_equal(read_film(saved(x, photometric='MONOCHROME1')).pixels, 255 - x)
    np.testing.assert_array_equal(read_film(saved(x, photometric='MONOCHROME1', PresentationLUTShape='INVERSE')).pixels, 255 - x)
    np.testing.assert_array_equal(read_film(saved(x, PresentationLUTShape='INVERSE')).pixels, 255 - x)
    np.testing.assert_array_equal(read_film(saved(x, PresentationLUTShape='IDENTITY')).pixels, x)


def test_of_several_windows_the_first_and_a_voi_lut_before_any(dataset, ramp):
    several = dataset(ramp(8, np.uint8), WindowCenter=[100, 50], WindowWidth=[50, 10])
    one = dataset(ramp(8, np.uint8), WindowCenter=100, WindowWidth=50)
    np.testing.assert_array_equal(grey_levels(several), grey_levels(one))
    curve = [4095 * (i / 255)**2 for i in range(256)]
    one.VOILUTSequence = lut(curve, 0, 12)
    np.testing.assert_allclose(grey_levels(Header.of(one)), np.floor(curve) / 4095 * 255, atol=0.5)


def test_a_voi_lut_starts_at_its_first_value_and_holds_its_ends(dataset, ramp):
    ds = dataset(ramp(8, np.uint8), VOILUTSequence=lut([0, 100, 200, 255], 50, 8))
    assert grey_levels(Header.of(ds))[[0, 50, 51, 52, 53, 255]].tolist() == [0, 0, 100, 200, 255, 255]
    signed = dataset(ramp(8, np.int8), 8, VOILUTSequence=lut([10, 20, 30], -2, 8))  # values from -128
    assert grey_levels(Header.of(signed))[[0, 126, 127, 128, 255]].tolist() == [10, 10, 20, 30, 30]


def test_a_modality_lut_comes_before_the_window(dataset, ramp):
    ds = dataset(ramp(8, np.uint8), ModalityLUTSequence=lut(range(1000, 1256), 0, 16), WindowCenter=1128, WindowWidth=256)
    ds.ModalityLUTSequence[0].ModalityLUTType = 'US'
    np.testing.assert_array_equal(grey_levels(Header.of(ds)), np.arange(256))


def test_eight_bits_without_a_window_are_as_they_are(saved, ramp):
    film = read_film(saved(ramp(8, np.uint8) // 4))
    np.testing.assert_array_equal(film.pixels, ramp(8, np.uint8) // 4)  # never the image's own range
    assert film.scale == 'stored bits'


@pytest.mark.parametrize('dtype', [np.uint16, np.int16])
@pytest.mark.parametrize('bits', [10, 12, 15, 16])
def test_more_bits_without_a_window_show_the_percentiles(saved, bits, dtype):
    rng = np.random.default_rng(bits)
    x = rng.normal(0.4, 0.05, (200, 250)).clip(0, 1)
    x[0, :2] = 0, 1  # a dead pixel and a hot one change nothing
    x = np.floor(x * (2**bits - 1)) - (2**(bits - 1) if dtype == np.int16 else 0)
    film = read_film(saved(x.astype(dtype), bits, RescaleSlope=2, RescaleIntercept=7))
    low, high = np.percentile(x, [0.5, 99.5], method='inverted_cdf')
    assert film.scale == 'percentiles'
    np.testing.assert_allclose(film.pixels, 255 * np.clip((x - low) / (high - low), 0, 1), atol=1)


def test_percentiles_are_those_of_the_pixels():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 1000, 5001)
    low, high = percentiles(np.arange(1000.), np.bincount(pixels, minlength=1000))
    assert [low, high] == list(np.percentile(pixels, [0.5, 99.5], method='inverted_cdf'))


@pytest.mark.parametrize('value, limit', [(4095, None), (0, 10), (10, 0)])
@pytest.mark.parametrize('photometric', ['MONOCHROME1', 'MONOCHROME2'])
def test_padding_is_black_and_outside_every_statistic(saved, value, limit, photometric):
    rng = np.random.default_rng(0)
    x = rng.integers(1000, 3000, (64, 64)).astype(np.uint16)
    plain = read_film(saved(x, 12, photometric)).pixels
    x[:, :40] = value
    header = dict(PixelPaddingValue=value) | ({} if limit is None else dict(PixelPaddingRangeLimit=limit))
    film = read_film(saved(x, 12, photometric, **header))
    assert (film.pixels[:, :40] == 0).all() and film.pixels[:, 40:].std() > 60
    np.testing.assert_allclose(film.pixels[:, 40:].astype(int), plain[:, 40:], atol=3)


def test_nothing_but_padding_is_no_image(saved):
    with pytest.raises(UnreadableImage, match='nothing but padding'): read_film(saved(np.zeros((4, 4), np.uint16), 12, PixelPaddingValue=0))


def test_padding_written_unsigned_in_a_signed_image(dataset):
    ds = dataset(np.zeros((4, 4), np.int16), PixelPaddingValue=-2000, WindowCenter=-2000, WindowWidth=10)
    written = dataset(np.zeros((4, 4), np.int16), WindowCenter=-2000, WindowWidth=10)
    written.add_new('PixelPaddingValue', 'US', 2**16 - 2000)
    np.testing.assert_array_equal(grey_levels(written), grey_levels(ds))
    assert grey_levels(ds)[2**15 - 2000] == 0 < grey_levels(ds)[2**15 - 1999]


@pytest.mark.parametrize('dtype', [np.uint16, np.int16])
def test_bits_beside_the_stored_ones_are_no_image(saved, dtype):
    x = np.arange(4096).reshape(64, 64) - (2048 if dtype == np.int16 else 0)
    overlay = (x.astype(np.uint16) << 2 | np.uint16(0b0100_0000_0000_0011)).astype(dtype)  # 12 bits from bit 2, others beside them
    film = read_film(saved(overlay, 12, HighBit=13, WindowCenter=2048 if dtype == np.uint16 else 0, WindowWidth=4096))
    np.testing.assert_allclose(film.pixels, (x - x.min()) / 4095 * 255, atol=0.51)


def test_order_of_cells(dataset):
    ds = dataset(np.zeros((1, 1), np.int16), 12)
    cells = stored_values(ds).astype(np.int16).view(np.uint16)
    np.testing.assert_array_equal(cell_order(ds, 2)[cells], np.arange(4096))


def test_straight_is_straight():
    x = np.arange(256)
    assert straight(x) and straight(255 - x) and straight(x // 2)
    assert not straight(x**2 / 255) and not straight(np.clip(x * 2 - 128, 0, 255)) and not straight(np.where(x == 9, 0, x))


@pytest.mark.parametrize('header, says', [
    (dict(WindowCenter=5, WindowWidth=0), 'window without a width'),
    (dict(WindowCenter=5, WindowWidth=0.5), 'window without a width'),
    (dict(WindowCenter=5, WindowWidth=-3, VOILUTFunction='LINEAR_EXACT'), 'window without a width'),
    (dict(WindowCenter=5, WindowWidth=9, VOILUTFunction='CUBIC'), 'VOI LUT function'),
    (dict(RescaleSlope=0, RescaleIntercept=0), 'leaves no image')])
def test_a_pipeline_that_is_none_is_refused(saved, header, says):
    with pytest.raises(UnreadableImage, match=says): read_film(saved(np.zeros((4, 4), np.uint8), **header))
