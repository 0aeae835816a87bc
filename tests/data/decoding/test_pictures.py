"PNG of 16 bits a sample: black and white are percentiles, as in DICOM without a window, for the file does not say which values it holds."
import imagecodecs
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from pneumo_fastai.data.decoding.dicom import UnreadableImage, read_film, read_square, square

BITS = pytest.mark.parametrize('bits', [10, 12, 14, 16])


def film(bits):
    "A smooth image whose values fill so many bits, with a hot and a dead pixel."
    y, x = np.mgrid[0:121, 0:91]
    film = np.round((np.sin(x / 9) * np.cos(y / 7) / 2.2 + 0.5) * (2**bits - 1)).astype(np.uint16)
    film[0, :2] = 0, 2**bits - 1
    return film


def shown(x):
    "By NumPy's own percentiles."
    low, high = np.percentile(x.astype(float), [0.5, 99.5], method='inverted_cdf')
    return 255 * np.clip((x.astype(float) - low) / (high - low), 0, 1)


@BITS
def test_a_16_bit_png_shows_its_percentiles(tmp_path, bits):
    Image.fromarray(film(bits)).save(tmp_path/'a.png')
    read = read_film(tmp_path/'a.png')
    np.testing.assert_allclose(read.pixels, shown(film(bits)), atol=0.51)
    assert read.scale == 'percentiles' and read.pixels.std() > 60


@BITS
def test_as_dicom_of_the_same_values_without_a_window(tmp_path, saved, bits):
    Image.fromarray(film(bits)).save(tmp_path/'a.png')
    np.testing.assert_array_equal(read_film(tmp_path/'a.png').pixels, read_film(saved(film(bits), bits)).pixels)
    np.testing.assert_array_equal(read_square(tmp_path/'a.png', 32)[0], square(read_film(saved(film(bits), bits)).pixels, 32))


@BITS
@pytest.mark.parametrize('samples', ['grey and alpha', 'RGB', 'RGBA'])
def test_of_16_bit_colour_the_luminance(tmp_path, bits, samples):
    x, opaque = film(bits), np.full((121, 91), 2**16 - 1, np.uint16)
    layers = {'grey and alpha': [x, opaque], 'RGB': [x, x, x], 'RGBA': [x, x, x, opaque]}[samples]
    (tmp_path/'a.png').write_bytes(imagecodecs.png_encode(np.dstack(layers)))
    Image.fromarray(x).save(tmp_path/'b.png')
    np.testing.assert_allclose(read_film(tmp_path/'a.png').pixels.astype(int), read_film(tmp_path/'b.png').pixels, atol=1)
    red = np.dstack([x, x * 0, x * 0])
    (tmp_path/'red.png').write_bytes(imagecodecs.png_encode(red))
    np.testing.assert_allclose(read_film(tmp_path/'red.png').pixels, shown(np.round(0.299 * x)), atol=5 * 255 / 2**bits + 0.51)


def test_what_is_transparent_is_black(tmp_path):
    x, alpha = film(12), np.full((121, 91), 2**16 - 1, np.uint16)
    alpha[:, 50:] = 0
    (tmp_path/'a.png').write_bytes(imagecodecs.png_encode(np.dstack([x, alpha])))
    pixels = read_film(tmp_path/'a.png').pixels
    assert (pixels[:, 50:] == 0).all() and pixels[:, :50].std() > 60


@pytest.mark.parametrize('colour', [False, True])
def test_one_that_is_turned_or_cut_off(tmp_path, colour):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(film(12)).save(tmp_path/'turned.png', exif=exif)
    Image.fromarray(film(12)).save(tmp_path/'a.png')
    np.testing.assert_array_equal(read_film(tmp_path/'turned.png').pixels, np.rot90(read_film(tmp_path/'a.png').pixels, -1))
    whole = imagecodecs.png_encode(np.dstack([film(12)] * 3)) if colour else (tmp_path/'a.png').read_bytes()
    (tmp_path/'cut.png').write_bytes(whole[:len(whole) // 2])
    with pytest.raises(UnreadableImage, match='cannot be decoded'): read_film(tmp_path/'cut.png')


@pytest.mark.parametrize('value', [0, 3000, 65535])
def test_of_one_value_alone_it_is_black(tmp_path, value):
    Image.fromarray(np.full((20, 20), value, np.uint16)).save(tmp_path/'a.png')
    assert (read_film(tmp_path/'a.png').pixels == 0).all()


def test_8_bits_are_as_they_are(tmp_path):
    x = np.full((20, 20), 9, np.uint8)
    Image.fromarray(x).save(tmp_path/'a.png')
    np.testing.assert_array_equal(read_film(tmp_path/'a.png').pixels, x)


def test_the_run_notes_it(tmp_path):
    from pneumo_fastai.data.cohort import read_cohort
    from pneumo_fastai.data.prepare import prepare
    from pneumo_fastai.experiment import Experiment
    rows = ['path,label']
    for i in range(60):
        Image.fromarray(film(12) if i < 50 else (film(12) >> 4).astype(np.uint8)).save(tmp_path/f'{i}.png')
        rows.append(f'{i}.png,{i % 2}')
    (tmp_path/'manifest.csv').write_text('\n'.join(rows))
    notes = prepare(read_cohort(tmp_path), Experiment(size=32)).notes
    assert '50 files have more than 8 bits and no window: percentiles 0.5 and 99.5 of each are black and white' in notes


GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)


def test_pictures(tmp_path):
    noise = PngImagePlugin.PngInfo()
    noise.add_text('Comment', 'nothing')
    for name, image in {'l.png': Image.fromarray(GREY), 'rgb.png': Image.fromarray(np.dstack([GREY] * 3)),
                        'p.png': Image.fromarray(GREY).convert('P'), 'la.png': Image.fromarray(GREY).convert('LA'),
                        'rgba.png': Image.fromarray(GREY).convert('RGBA')}.items():
        image.save(tmp_path/name, pnginfo=noise)
        film = read_film(tmp_path/name)
        np.testing.assert_array_equal(film.pixels, GREY, err_msg=name)
        assert film.scale == ('stored bits' if name in ('l.png', 'la.png') else 'luminance'), name
    half = np.dstack([GREY, np.where(np.arange(16) < 8, 255, 0) + np.zeros((16, 1), int)]).astype(np.uint8)
    Image.fromarray(half).save(tmp_path/'half.png')
    film = read_film(tmp_path/'half.png')
    np.testing.assert_array_equal(film.pixels[:, :8], GREY[:, :8])
    assert (film.pixels[:, 8:] == 0).all()  # what is transparent is black
    Image.fromarray(GREY > 99).save(tmp_path/'1.png')
    np.testing.assert_array_equal(read_film(tmp_path/'1.png').pixels, (GREY > 99) * 255)
    pink = np.full((16, 16, 3), [200, 100, 100], np.uint8)
    Image.fromarray(pink).convert('CMYK').save(tmp_path/'cmyk.jpg', quality=100)
    np.testing.assert_allclose(read_film(tmp_path/'cmyk.jpg').pixels, 130, atol=2)


@pytest.mark.parametrize('orientation', range(1, 9))
def test_exif_orientation(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    x = np.repeat(np.repeat(GREY, 16, 1), 8, 0)
    Image.fromarray(x).save(tmp_path/'turned.jpg', exif=exif, quality=100)
    ways = [x, x[:, ::-1], x[::-1, ::-1], x[::-1], x.T, np.rot90(x, -1), x[::-1, ::-1].T, np.rot90(x)]  # as the EXIF standard draws them
    film, (small, reduced) = read_film(tmp_path/'turned.jpg'), read_square(tmp_path/'turned.jpg', 32)
    np.testing.assert_allclose(film.pixels.astype(int), ways[orientation - 1], atol=2)
    assert (reduced.height, reduced.width) == (film.height, film.width) == film.pixels.shape and reduced.pixels.shape != film.pixels.shape
    np.testing.assert_allclose(small.astype(int), square(film.pixels, 32), atol=12)
