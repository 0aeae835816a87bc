"Every transfer syntax against another decoder, or against the array that was written."
import warnings
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from pydicom.pixels import pixel_array
from pydicom.uid import RLELossless

from pneumo_fastai.data.decoding.codecs import cells, check_layout, check_size, jpeg_header
from pneumo_fastai.data.decoding.dicom import UnreadableImage, read_film, read_square, square
from pneumo_fastai.data.decoding.grey import cell_order, stored_values
from pneumo_fastai.data.decoding.header import Header

FILES = Path(pydicom.__file__).parent/'data'/'test_files'
IMPLICIT, EXPLICIT, BIG, DEFLATED = (f'1.2.840.10008.1.2{o}' for o in ('', '.1', '.2', '.1.99'))
BASELINE, EXTENDED, LOSSLESS, LOSSLESS_SV1, LS, LS_NEAR, J2K_LOSSLESS, J2K, HTJ2K_LOSSLESS, HTJ2K = (
    f'1.2.840.10008.1.2.4.{n}' for n in (50, 51, 57, 70, 80, 81, 90, 91, 201, 203))


def stored(ds):
    "The stored values of a data set's first frame, by way of a file."
    f = BytesIO()
    ds.save_as(f, enforce_file_format=False)
    f.seek(0)
    ds = pydicom.dcmread(f, force=True)
    header = Header.of(ds)
    check_layout(header)
    x = cells(header, ds.file_meta.TransferSyntaxUID)
    return stored_values(header)[cell_order(header, x.dtype.itemsize)][x]


def unsigned(x, bits): return x.view(f'u{x.dtype.itemsize}') & np.array(2**bits - 1, f'u{x.dtype.itemsize}')


def jpeg(x, bits, predictor): return imagecodecs.jpeg8_encode(unsigned(x, bits), lossless=True, predictor=predictor, bitspersample=bits)


ENCODERS = {  # of (pixels, bits) with any sign, each lossless
    LOSSLESS: lambda x, bits: jpeg(x, bits, 6), LOSSLESS_SV1: lambda x, bits: jpeg(x, bits, 1),
    LS: lambda x, bits: imagecodecs.jpegls_encode(unsigned(x, bits)),
    J2K_LOSSLESS: lambda x, bits: imagecodecs.jpeg2k_encode(x, codecformat='J2K', reversible=True, bitspersample=bits),
    HTJ2K_LOSSLESS: lambda x, bits: imagecodecs.htj2k_encode(x, reversible=True)}


@st.composite
def images(draw):
    "(pixels, bits stored): any shape, 8 to 16 bits, signed or not."
    bits, signed = draw(st.sampled_from([8, 10, 12, 15, 16])), draw(st.booleans())
    dtype, low = f'{"i" if signed else "u"}{1 if bits == 8 else 2}', -2**(bits - 1) if signed else 0
    shape = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    return draw(hnp.arrays(np.dtype(dtype), shape, elements=st.integers(low, low + 2**bits - 1))), bits


@settings(max_examples=60, deadline=None)
@given(images())
@pytest.mark.parametrize('syntax', [IMPLICIT, EXPLICIT, BIG, DEFLATED])
def test_native_round_trip(dataset, syntax, image):
    x, bits = image
    ds = dataset(x, bits, syntax=syntax)
    if syntax == BIG: ds.PixelData = x.astype(x.dtype.newbyteorder('>')).tobytes()
    np.testing.assert_array_equal(stored(ds), x)


def test_eight_bits_in_big_endian_words(dataset):
    x = np.arange(16, dtype=np.uint8).reshape(4, 4)
    ds = dataset(x, syntax=BIG)
    ds['PixelData'].VR = 'OW'
    ds.PixelData = x.view('<u2').astype('>u2').tobytes()  # PS3.5 annex A.3: the first pixel is the less significant byte
    np.testing.assert_array_equal(stored(ds), x)


@settings(max_examples=60, deadline=None)
@given(images())
@pytest.mark.parametrize('syntax', ENCODERS)
def test_lossless_round_trip(dataset, syntax, image):
    x, bits = image
    np.testing.assert_array_equal(stored(dataset(x, bits, syntax=syntax, frames=[ENCODERS[syntax](x, bits)])), x)


@settings(max_examples=30, deadline=None)
@given(images())
def test_rle_round_trip_from_pydicoms_encoder(dataset, image):
    ds = dataset(*image)
    ds.SOPInstanceUID = ds.SOPClassUID = '1.2.3'
    ds.compress(RLELossless, generate_instance_uid=False)
    np.testing.assert_array_equal(stored(ds), image[0])


@pytest.mark.parametrize('predictor', range(1, 8))
def test_every_predictor_of_jpeg_lossless(dataset, predictor):
    x = np.random.default_rng(predictor).integers(0, 2**12, (33, 47)).astype(np.uint16)
    np.testing.assert_array_equal(stored(dataset(x, 12, syntax=LOSSLESS, frames=[jpeg(x, 12, predictor)])), x)


def smooth(bits):
    y, x = np.mgrid[0:64, 0:80]
    return ((np.sin(x / 9) * np.cos(y / 7) + 1) / 2 * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)


@pytest.mark.parametrize('syntax, bits, most, frame', [
    (BASELINE, 8, 6, lambda x: imagecodecs.jpeg8_encode(x, level=95)),
    (EXTENDED, 8, 6, lambda x: imagecodecs.jpeg8_encode(x, level=95)),
    (EXTENDED, 12, 90, lambda x: imagecodecs.jpeg8_encode(x, level=95, bitspersample=12)),
    (LS_NEAR, 8, 3, lambda x: imagecodecs.jpegls_encode(x, level=3)),
    (LS_NEAR, 12, 5, lambda x: imagecodecs.jpegls_encode(x, level=5)),
    (J2K, 8, 20, lambda x: imagecodecs.jpeg2k_encode(x, codecformat='J2K', level=45, reversible=False)),
    (J2K, 12, 200, lambda x: imagecodecs.jpeg2k_encode(x, codecformat='J2K', level=50, reversible=False, bitspersample=12)),
    (HTJ2K, 8, 8, lambda x: imagecodecs.htj2k_encode(x, reversible=False, level=0.01))])
def test_lossy_is_near_what_was_written(dataset, syntax, bits, most, frame):
    x = smooth(bits)
    codestream = frame(x)
    got = stored(dataset(x, bits, syntax=syntax, frames=[codestream])).astype(int)
    assert np.abs(got - x).max() <= most and (got != x).any()


def test_pydicoms_files_are_what_pydicom_decodes():
    "Those that pydicom decodes with Pillow and NumPy alone; grey ones to the value, colour by the luminance of its RGB."
    seen = 0
    for path in sorted(p for p in FILES.rglob('*') if p.is_file()):
        try:
            with warnings.catch_warnings(action='ignore'): ds = pydicom.dcmread(path)
            if ds.BitsAllocated not in (8, 16) or ds.PhotometricInterpretation == 'PALETTE COLOR': continue
            with warnings.catch_warnings(action='ignore'): theirs = pixel_array(ds, index=0)
        except Exception: continue  # no image, or one for which pydicom lacks a decoder
        seen += 1
        if ds.SamplesPerPixel == 1: np.testing.assert_array_equal(stored(ds), theirs, err_msg=path.name)
        else:
            luminance = theirs @ [.299, .587, .114] / (257 if ds.BitsAllocated == 16 else 1)
            off = np.abs(read_film(path, any_view=True).pixels - luminance)  # colours of YBR that RGB cannot hold are clipped in theirs
            assert off.max() <= 1 if ds.PhotometricInterpretation == 'RGB' else off.mean() < 1, path.name
    assert seen > 50


def test_the_same_picture_in_thirteen_encodings():
    names = ['SC_rgb_rle', 'SC_rgb_rle_16bit', 'SC_rgb_rle_2frame', 'SC_rgb_jpeg_gdcm', 'SC_rgb_gdcm_KY', 'SC_ybr_full_422_uncompressed',
             'SC_rgb_dcmtk_+eb+cr', 'SC_rgb_dcmtk_+eb+cy+n1', 'SC_rgb_dcmtk_+eb+cy+np', 'SC_rgb_jpeg_dcmtk', 'SC_rgb_jpeg_lossy_gdcm',
             'SC_rgb_jls_lossy_line', 'SC_rgb_jls_lossy_sample']
    first, *rest = [read_film(FILES/f'{n}.dcm', any_view=True) for n in names]
    for film, name in zip(rest, names[1:], strict=True):
        np.testing.assert_allclose(film.pixels.astype(int), first.pixels, atol=6, err_msg=name)
        assert film.scale == 'luminance' and film.frames == 1 + ('2frame' in name)


@pytest.mark.parametrize('compressed', ['MR_small_RLE', 'MR_small_jp2klossless', 'MR_small_jpeg_ls_lossless', 'MR_small_bigendian',
                                        'MR_small_implicit'])
def test_a_lossless_file_is_its_uncompressed_twin(compressed):
    np.testing.assert_array_equal(*(read_film(FILES/f'{n}.dcm', any_view=True).pixels for n in (compressed, 'MR_small')))


def test_rgb_jpeg_without_a_marker_is_as_the_header_says():
    twin = read_film(FILES/'SC_rgb_jpeg_dcmd.dcm', any_view=True).pixels.astype(int)  # uncompressed
    np.testing.assert_allclose(read_film(FILES/'SC_rgb_jpeg.dcm', any_view=True).pixels, twin, atol=1)


def test_of_several_frames_the_first(dataset, saved):
    one, two = np.zeros((8, 8), np.uint8), np.full((8, 8), 200, np.uint8)
    for ds in (dataset(np.stack([one, two]).reshape(16, 8), Rows=8, NumberOfFrames=2),
               dataset(one, syntax=LS, NumberOfFrames=2, frames=[imagecodecs.jpegls_encode(o) for o in (one, two)])):
        film = read_film(saved(ds))
        assert film.frames == 2 and film.pixels.shape == (8, 8) and (film.pixels == 0).all()


def test_a_frame_in_several_fragments(dataset, saved):
    from pydicom.encaps import encapsulate
    x = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    ds = dataset(x, syntax=LS, frames=[imagecodecs.jpegls_encode(x)])
    ds.PixelData = encapsulate([imagecodecs.jpegls_encode(x)], fragments_per_frame=5)
    np.testing.assert_array_equal(read_film(saved(ds)).pixels, x)


def test_planar_rgb_and_palette(dataset, saved):
    rgb = np.random.default_rng(0).integers(0, 256, (6, 5, 3)).astype(np.uint8)
    grey = np.asarray(Image.fromarray(rgb).convert('L')).astype(int)
    ds = dataset(rgb, photometric='RGB', PlanarConfiguration=1)
    ds.PixelData = rgb.transpose(2, 0, 1).tobytes()
    np.testing.assert_allclose(read_film(saved(ds)).pixels, grey, atol=1)
    ds = dataset(np.arange(4, dtype=np.uint8).reshape(2, 2), photometric='PALETTE COLOR')
    for name, values in {'Red': [0, 255, 0, 9], 'Green': [0, 0, 255, 9], 'Blue': [0, 0, 0, 9]}.items():
        setattr(ds, f'{name}PaletteColorLookupTableDescriptor', [4, 0, 8])
        setattr(ds, f'{name}PaletteColorLookupTableData', bytes(values))
    np.testing.assert_array_equal(read_film(saved(ds)).pixels, [[0, 76], [150, 9]])  # ITU-R 601: 0.299, 0.587, 0.114


def test_luminance_of_rgb_is_pillows(dataset, saved):
    rgb = np.random.default_rng(0).integers(0, 256, (50, 50, 3)).astype(np.uint8)
    pixels = read_film(saved(rgb, photometric='RGB')).pixels.astype(int)
    np.testing.assert_allclose(pixels, np.asarray(Image.fromarray(rgb).convert('L')), atol=1)


@pytest.mark.parametrize('rows, columns, size, ok', [
    (1024, 1024, 1000, True), (3000, 3000, 20_000, True), (10_000, 10_000, 200_000, True), (3000, 3000, 100, False),
    (0, 5, 100, False), (100_000, 100_000, 10**9, False), (20_001, 10, 10**9, False), (20_000, 20_000, 10**9, False)])
def test_what_a_header_may_claim(rows, columns, size, ok):
    if ok: check_size(rows, columns, size)
    else:
        with pytest.raises(UnreadableImage, match=f'{rows} x {columns}'): check_size(rows, columns, size)


def test_a_codestream_that_claims_another_size_is_never_decoded(dataset, saved, monkeypatch):
    x = smooth(8)
    made = {BASELINE: imagecodecs.jpeg8_encode(x), LS: imagecodecs.jpegls_encode(x), HTJ2K: imagecodecs.htj2k_encode(x, reversible=True),
            J2K: imagecodecs.jpeg2k_encode(x, codecformat='J2K')}
    for name in ('jpeg8', 'jpegls', 'jpeg2k', 'htj2k'): monkeypatch.setattr(imagecodecs, f'{name}_decode', None)
    for syntax, frame in made.items():
        with pytest.raises(UnreadableImage, match='says 64 x 81 pixels and holds 64 x 80'):
            read_film(saved(dataset(x, syntax=syntax, frames=[frame], Columns=81)))


def test_the_header_of_a_jpeg():
    frame = imagecodecs.jpeg8_encode(np.zeros((30, 40, 3), np.uint8))
    assert jpeg_header(frame)[:3] == (30, 40, 3)
    for cut in range(2, 20):
        with pytest.raises(UnreadableImage): jpeg_header(frame[:cut])


@pytest.mark.parametrize('syntax, bits', [(o, b) for o in ENCODERS for b in (8, 12)])
def test_a_square_of_every_syntax_is_the_square_of_the_pixels(dataset, saved, syntax, bits):
    x = np.tile(smooth(bits), (4, 4))
    path = saved(dataset(x, bits, syntax=syntax, frames=[ENCODERS[syntax](x, bits)], WindowCenter=2**(bits - 1), WindowWidth=2**bits))
    wanted = square(np.round(x / (2**bits - 1) * 255).astype(np.uint8), 64)
    np.testing.assert_allclose(read_square(path, 64)[0].astype(int), wanted, atol=1)
