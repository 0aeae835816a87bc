"Lookup tables in real files of every native transfer syntax, each entry against the formula of PS3.3 C.11.1.1.1, C.11.2.1.1, C.7.6.3.1.5."
import numpy as np
import pytest
from pydicom.dataset import Dataset

from pneumo_fastai.data.decoding.dicom import UnreadableImage, read_film

IMPLICIT, EXPLICIT, BIG = (f'1.2.840.10008.1.2{o}' for o in ('', '.1', '.2'))
SYNTAXES = pytest.mark.parametrize('syntax', [IMPLICIT, EXPLICIT, BIG])
RNG = np.random.default_rng(0)


def order(syntax): return '>' if syntax == BIG else '<'


def words(values, syntax): return np.asarray(values).astype(f'{order(syntax)}u2').tobytes()


def packed(values, syntax):
    "8-bit entries two to a word, the first in its less significant byte (PS3.3 C.7.6.3.1.6)."
    pairs = np.array([*values, *[0] * (len(values) % 2)]).reshape(-1, 2)
    return words(pairs[:, 0] + 256 * pairs[:, 1], syntax)


def item(entries, first, bits, vr, syntax, pack=False, signed=None):
    "A sequence with the one item that describes and holds a table."
    table = Dataset()
    table.add_new('LUTDescriptor', 'SS' if (first < 0 if signed is None else signed) else 'US', [len(entries) % 2**16, first, bits])
    table.add_new('LUTData', vr, [int(o) for o in entries] if vr == 'US' else packed(entries, syntax) if pack else words(entries, syntax))
    return [table]


def pixels(dataset, x, bits, syntax, **header):
    ds = dataset(x, bits, syntax=syntax, **header)
    if syntax == BIG: ds.PixelData = x.astype(x.dtype.newbyteorder('>')).tobytes()
    return ds


def looked_up(x, first, entries):
    "C.11.2.1.1, a pixel at a time in Python's integers: below the first value mapped its first entry, above the last one its last."
    return np.array([int(entries[min(max(int(v) - first, 0), len(entries) - 1)]) for v in x.ravel()]).reshape(x.shape)


def grey(y, bits): return np.round(255 * y / (2**bits - 1))


@SYNTAXES
@pytest.mark.parametrize('vr', ['US', 'OW'])
@pytest.mark.parametrize('bits', range(8, 17))
@pytest.mark.parametrize('dtype, first', [(np.uint16, 0), (np.uint16, 700), (np.int16, -1500), (np.int16, 300)])
def test_a_voi_lut(dataset, saved, ramp, syntax, vr, bits, dtype, first):
    x, entries = ramp(12, dtype) - (2048 if dtype == np.int16 else 0), RNG.integers(0, 2**bits, 2000)
    film = read_film(saved(pixels(dataset, x, 12, syntax, VOILUTSequence=item(entries, first, bits, vr, syntax))))
    np.testing.assert_array_equal(film.pixels, grey(looked_up(x, first, entries), bits))
    assert film.scale == 'voi lut'


@SYNTAXES
@pytest.mark.parametrize('n', [4096, 4095])
def test_an_8_bit_voi_lut_of_deeper_pixels_does_not_wrap(dataset, saved, ramp, syntax, n):
    x, entries = ramp(12), np.arange(4096)[:n] // 16
    for how in (dict(vr='US'), dict(vr='OW'), dict(vr='OW', pack=True)):
        film = read_film(saved(pixels(dataset, x, 12, syntax, VOILUTSequence=item(entries, 0, 8, syntax=syntax, **how))))
        np.testing.assert_array_equal(film.pixels, x // 16)


@SYNTAXES
@pytest.mark.parametrize('bits', [8, 12, 16])
@pytest.mark.parametrize('vr', ['US', 'OW'])
def test_a_modality_lut(dataset, saved, ramp, syntax, bits, vr):
    x, entries, highest = ramp(12), RNG.integers(0, 2**bits, 3000), 2**bits - 1
    ds = pixels(dataset, x, 12, syntax, ModalityLUTSequence=item(entries, 512, bits, vr, syntax), WindowCenter=highest / 2,
                WindowWidth=highest, VOILUTFunction='LINEAR_EXACT')
    ds.ModalityLUTSequence[0].ModalityLUTType = 'US'
    np.testing.assert_allclose(read_film(saved(ds)).pixels, 255 * looked_up(x, 512, entries) / highest, atol=0.5001)


@SYNTAXES
def test_a_voi_lut_looks_up_what_the_modality_lut_says(dataset, saved, ramp, syntax):
    x, one, two = ramp(10), RNG.integers(0, 2**16, 1024), RNG.integers(0, 2**12, 40_000)
    ds = pixels(dataset, x, 10, syntax, ModalityLUTSequence=item(one, 0, 16, 'OW', syntax),
                VOILUTSequence=item(two, 9000, 12, 'OW', syntax))
    ds.ModalityLUTSequence[0].ModalityLUTType = 'US'
    np.testing.assert_array_equal(read_film(saved(ds)).pixels, grey(looked_up(looked_up(x, 0, one), 9000, two), 12))


@SYNTAXES
@pytest.mark.parametrize('slope, intercept', [(40, 0), (-40, 70_000), (1, -70_000), (33, -66_000), (1e300, 0)])
def test_rescaled_values_beyond_16_bits_hold_the_ends(dataset, saved, ramp, syntax, slope, intercept):
    x, entries = ramp(12), np.arange(2**16) // 256
    ds = pixels(dataset, x, 12, syntax, RescaleSlope=slope, RescaleIntercept=intercept, VOILUTSequence=item(entries, 0, 8, 'OW', syntax))
    rescaled = np.array([int(v) * int(slope) + intercept for v in x.ravel()], object).reshape(x.shape)
    np.testing.assert_array_equal(read_film(saved(ds)).pixels, looked_up(rescaled, 0, entries))


@SYNTAXES
@pytest.mark.parametrize('dtype, first', [(np.uint16, 0), (np.int16, -2**15)])
def test_zero_entries_are_65536(dataset, saved, syntax, dtype, first):
    x, entries = (np.arange(0, 2**16, 16).reshape(64, 64) + first).astype(dtype), RNG.permutation(2**16)
    film = read_film(saved(pixels(dataset, x, 16, syntax, VOILUTSequence=item(entries, first, 16, 'OW', syntax))))
    np.testing.assert_array_equal(film.pixels, grey(looked_up(x, first, entries), 16))


@SYNTAXES
def test_the_sign_of_the_first_value_is_that_of_what_is_looked_up(dataset, saved, ramp, syntax):
    entries = RNG.integers(0, 256, 4096)
    positive = pixels(dataset, ramp(12, np.int16) - 2048, 12, syntax, RescaleSlope=1, RescaleIntercept=42_048,  # never negative: US
                      VOILUTSequence=item(entries, 40_000, 8, 'OW', syntax))
    np.testing.assert_array_equal(read_film(saved(positive)).pixels, looked_up(ramp(12), 0, entries))
    negative = pixels(dataset, ramp(12), 12, syntax, RescaleSlope=1, RescaleIntercept=-2000,
                      VOILUTSequence=item(entries, -2000, 8, 'OW', syntax))
    np.testing.assert_array_equal(read_film(saved(negative)).pixels, looked_up(ramp(12), 0, entries))
    written = pixels(dataset, ramp(12), 12, syntax, RescaleSlope=1, RescaleIntercept=-2000,  # as US by some
                     VOILUTSequence=item(entries, 2**16 - 2000, 8, 'OW', syntax))
    np.testing.assert_array_equal(read_film(saved(written)).pixels, looked_up(ramp(12), 0, entries))


@pytest.mark.parametrize('length', ['defined', 'undefined'])
@SYNTAXES
def test_of_several_voi_luts_the_first(dataset, saved, ramp, syntax, length):
    several = item(range(255, -1, -1), 0, 8, 'OW', syntax) + item([1, 2], 0, 8, 'OW', syntax)
    ds = pixels(dataset, ramp(8, np.uint8), 8, syntax, VOILUTSequence=several)
    ds['VOILUTSequence'].is_undefined_length = length == 'undefined'
    np.testing.assert_array_equal(read_film(saved(ds)).pixels, 255 - ramp(8, np.uint8))


def palette(dataset, x, bits, syntax, first, kind, tables, n):
    ds = pixels(dataset, x, None, syntax, photometric='PALETTE COLOR')
    for name, data in zip(('Red', 'Green', 'Blue'), tables, strict=True):
        ds.add_new(f'{name}PaletteColorLookupTableDescriptor', 'SS' if first < 0 else 'US', [n % 2**16, first, bits])
        ds.add_new(f'{kind}{name}PaletteColorLookupTableData', 'OW', data)
    return ds


def luminance(rgb, highest): return np.round(np.dot(np.moveaxis(rgb, 0, -1), [0.299, 0.587, 0.114]) * 255 / highest)  # ITU-R 601


@SYNTAXES
@pytest.mark.parametrize('bits, write', [(8, packed), (8, words), (16, words)])
@pytest.mark.parametrize('dtype, first, n', [(np.uint8, 0, 256), (np.uint8, 3, 201), (np.int8, -100, 150), (np.uint16, 500, 2**16)])
def test_a_palette(dataset, saved, syntax, bits, write, dtype, first, n):
    x = RNG.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, (40, 50), dtype, endpoint=True)
    rgb = RNG.integers(0, 2**bits, (3, n))
    film = read_film(saved(palette(dataset, x, bits, syntax, first, '', [write(o, syntax) for o in rgb], n)))
    wanted = luminance(np.stack([looked_up(x, first, o) for o in rgb]), 2**bits - 1)
    assert film.scale == 'luminance' and np.abs(film.pixels - wanted).max() <= 1  # where the luminance lies between two
    assert (film.pixels != wanted).mean() < 0.01


@SYNTAXES
@pytest.mark.parametrize('bits, write, linear', [(8, packed, [25, 50, 75, 100]), (16, words, [25, 50, 75, 100])])
def test_a_segmented_palette(dataset, saved, syntax, bits, write, linear):
    codes = [0, 3, 0, 10, 0, 1, 4, 100]  # C.7.9.2, by hand: discrete 0, 10, 0; a line of 4 steps to 100
    indirect = [2, 2, 0, 0] + ([0, 0] if bits == 8 else [])  # both again: from byte 0, in 32 bits
    second = [2, 1, 5 * bits // 8, 0] + ([0, 0] if bits == 8 else [])  # the line alone: from 100 on, so it is flat
    entries = [0, 10, 0, *linear, 0, 10, 0, *linear, 100, 100, 100, 100, 7]
    data = write([*codes, *indirect, *second, 0, 1, 7], syntax)
    x = np.arange(256, dtype=np.uint8).reshape(16, 16)
    film = read_film(saved(palette(dataset, x, bits, syntax, 0, 'Segmented', [data] * 3, len(entries))))
    np.testing.assert_array_equal(film.pixels, np.round(looked_up(x, 0, entries) * 255 / (2**bits - 1)))


@SYNTAXES
def test_a_segmented_palette_of_65536_entries(dataset, saved, syntax):
    x = RNG.integers(0, 2**16, (50, 50)).astype(np.uint16)
    data = words([0, 1, 0, 1, 2**15, 2**16 - 1, 1, 2**15 - 1, 0], syntax)  # up to white in 32,768 steps, and down to black
    film = read_film(saved(palette(dataset, x, 16, syntax, 0, 'Segmented', [data] * 3, 2**16)))
    y = np.where(x <= 2**15, x / 2**15, (2**16 - 1. - x) / (2**15 - 1))
    np.testing.assert_allclose(film.pixels, 255 * y, atol=0.51)


def voi(n, data, bits=8, vr='OW'):
    table = Dataset()
    table.add_new('LUTDescriptor', 'US', [n, 0, bits])
    if data is not None: table.add_new('LUTData', vr, data)
    return dict(VOILUTSequence=[table])


@pytest.mark.parametrize('header, says', [
    (voi(256, bytes(100)), 'lookup table of 256 entries of 8 bits in 100 bytes'),
    (voi(256, bytes(256), 12), 'lookup table of 256 entries of 12 bits in 256 bytes'),
    (voi(4, bytes(8), 17), 'entries of 17 bits'), (voi(4, bytes(8), 0), 'entries of 0 bits'),
    (voi(4, words([0, 1, 2, 4096], EXPLICIT), 12), 'entries above its 12 bits'),
    (voi(4, None), 'lookup table without its descriptor or data'),
    (dict(VOILUTSequence=[Dataset()]), 'lookup table without its descriptor or data')])
def test_a_table_that_is_none_is_refused(saved, header, says):
    with pytest.raises(UnreadableImage, match=says): read_film(saved(np.zeros((4, 4), np.uint8), **header))


@pytest.mark.parametrize('codes, says', [
    ([1, 4, 9], 'begins with a line'), ([0, 0], 'a segment without entries'), ([0, 2, 1, 2, 3, 0], 'unknown'), ([0, 2, 1, 2], '2 of its 9'),
    ([0, 1, 5, 2, 1, 6, 0], 'unknown'), ([0, 1, 5, 1, 2], 'cut'), ([0, 1, 5, 2, 1], 'cut'), ([0, 1, 5, 2, 1, 60_000, 9], 'cut'),
    ([0, 9, 5], 'cut')])
def test_segments_that_are_none_are_refused(dataset, saved, codes, says):
    ds = palette(dataset, np.zeros((4, 4), np.uint8), 16, EXPLICIT, 0, 'Segmented', [words(codes, EXPLICIT)] * 3, 9)
    with pytest.raises(UnreadableImage, match=f'segmented palette.*{says}'): read_film(saved(ds))
