import numpy as np
import pytest
from PIL import Image, ImageOps

from pneumo_fastai.data.decoding.dicom import read_film, read_square, square, square_boxes
from pneumo_fastai.data.decoding.resize import INNER, covered


def test_square_keeps_aspect_and_mean():
    x = np.full((100, 50), 200, np.uint8)
    padded = square(x, 40, 'pad')
    assert (padded[:, 10:30] == 200).all() and (padded[:, :10] == 0).all() and (padded[:, 30:] == 0).all()
    assert (square(x, 40, 'crop') == 200).all() and (square(x, 40, 'stretch') == 200).all()
    noise = np.random.default_rng(0).integers(0, 256, (1024, 1024)).astype(np.uint8)
    assert abs(square(noise, 224).mean() - noise.mean()) < 0.5  # area-aware: nothing is sampled away
    checks = np.indices((64, 64)).sum(0) % 2 * 255
    assert np.ptp(square(checks.astype(np.uint8), 16)[2:-2, 2:-2].astype(int)) <= 2  # no aliasing


@pytest.mark.parametrize('shape', [(300, 200), (200, 301), (256, 256), (1024, 700)])
def test_square_is_what_pillow_makes(shape):
    rng = np.random.default_rng(0)
    x = np.asarray(Image.fromarray(rng.integers(0, 256, (20, 20)).astype(np.uint8)).resize(shape[::-1], Image.Resampling.BICUBIC))
    how = {'pad': ImageOps.pad, 'crop': ImageOps.fit}
    for aspect, theirs in how.items():
        wanted = np.asarray(theirs(Image.fromarray(x), (128, 128), method=Image.Resampling.BILINEAR)).astype(int)
        assert np.abs(square(x, 128, aspect) - wanted).mean() < 1  # it reduces large images in two steps


@pytest.mark.parametrize('aspect', ['pad', 'inner', 'crop', 'stretch'])
@pytest.mark.parametrize('shape', [(300, 200), (200, 300), (256, 256)])
@pytest.mark.parametrize('tall', [1, 2, 0.5])
def test_boxes_go_where_the_pixels_go(aspect, shape, tall):
    x = np.zeros(shape, np.uint8)
    x[100:140, 70:120] = 255
    (left, top, width, height), = square_boxes([(70, 100, 50, 40)], *shape, 128, aspect, tall)
    rows, columns = np.where(square(x, 128, aspect, tall) > 127)
    seen = np.clip([left, top, left + width, top + height], 0, 128)
    np.testing.assert_allclose([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], seen, atol=1)


@pytest.mark.parametrize('aspect', ['pad', 'inner', 'crop', 'stretch'])
@pytest.mark.parametrize('tall', [1, 2, 0.5])
@pytest.mark.parametrize('height, width', [(160, 128), (100, 100), (61, 200), (333, 47)])
def test_what_is_covered_is_what_was_not_padded(height, width, tall, aspect):
    padded = square(np.full((height, width), 200, np.uint8), 64, aspect, tall) > 100
    top, bottom, left, right = covered(height, width, 64, aspect, tall)
    assert padded[top:bottom, left:right].all() and padded.sum() == (bottom - top)*(right - left)
    if aspect in ('crop', 'stretch'): assert padded.all()


@pytest.mark.parametrize('shape', [(400, 300), (300, 400), (400, 400)])
def test_the_inner_square_is_the_middle_of_the_padded_one(shape):
    x = np.asarray(Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 20)).astype(np.uint8)).resize(shape[::-1]))
    whole, kept = np.pad(x, [((400 - n) // 2,) * 2 for n in shape]), round(INNER * 400)
    edge = (400 - kept) // 2
    np.testing.assert_array_equal(square(x, kept, 'inner'), whole[edge:-edge, edge:-edge])  # a size at which nothing is resampled


@pytest.mark.parametrize('header', [dict(PixelSpacing=[0.2, 0.1]), dict(ImagerPixelSpacing=[0.2, 0.1]), dict(PixelAspectRatio=[2, 1]),
                                    dict(PixelSpacing=[0, 0], PixelAspectRatio=[2, 1])])
def test_pixels_twice_as_high_as_wide_become_square(saved, header):
    disc = (np.hypot(*(np.indices((100, 100)) - 49.5)) < 40).astype(np.uint8) * 255
    pixels, film = read_square(saved(disc[::2], **header), 64)  # every second row of a round disc
    assert film.tall == 2 and (film.height, film.width) == (50, 100)
    np.testing.assert_allclose(pixels.astype(int), square(disc, 64), atol=130)
    assert np.abs(pixels.astype(int) - square(disc, 64)).mean() < 3


def test_square_of_a_reduced_image_covers_what_the_whole_covers():
    across = np.tile(np.linspace(0, 255, 1001).astype(np.uint8), (1001, 1))
    reduced = np.asarray(Image.fromarray(across).reduce(4))  # the last of its 251 columns is a quarter of one
    np.testing.assert_allclose(square(reduced, 100, extent=(1001 / 4, 1001 / 4)).astype(int), square(across, 100), atol=1)


@pytest.mark.parametrize('size', [64, 128, 224, 256, 300, 512, 600])
def test_the_reduced_decode_is_the_full_one_to_a_grey_level(shared, tmp_path, size):
    for path in sorted((shared/'rsna-16'/'stage_2_train_images').iterdir())[:4]:
        fast, full = read_square(path, size)[0].astype(int), read_film(path).pixels
        whole = np.asarray(Image.fromarray(full).resize((size, size), Image.Resampling.BILINEAR))
        Image.fromarray(full).save(tmp_path/'same.png', compress_level=1)
        png = read_square(tmp_path/'same.png', size)[0].astype(int)
        assert np.abs(fast - png).mean() < 0.2 and np.abs(fast - png).max() <= 3
        assert np.abs(fast - whole).mean() < 1 and np.abs(fast.mean() - full.mean()) < 0.3
