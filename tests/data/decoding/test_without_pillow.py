"What numpy makes of a square and of a smaller JPEG, beside what Pillow makes of them."
import sys
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pneumo_fastai.data.decoding import codecs, resize, without_pillow
from pneumo_fastai.data.decoding.dicom import UnreadableImage, read_square

SIDE = st.integers(1, 400)


def jpeg(height, width, seed=0, **how):
    "A JPEG of blurred noise that reaches black and white."
    rng, file = np.random.default_rng(seed), BytesIO()
    x = np.asarray(Image.fromarray(rng.normal(128, 90, (9, 9)).astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC))
    Image.fromarray((x + rng.normal(0, 9, x.shape)).clip(0, 255).astype(np.uint8)).save(file, 'JPEG', **how)
    return file.getvalue()


@settings(max_examples=60, deadline=None)
@given(st.integers(16, 90), st.integers(16, 90), st.sampled_from([2, 4, 8]), st.integers(0, 9),
       st.fixed_dictionaries(dict(quality=st.integers(5, 100)),
                             optional=dict(optimize=st.just(True), restart_marker_blocks=st.integers(1, 9))))
def test_a_jpeg_becomes_smaller_as_libjpeg_makes_it_to_the_bit(height, width, by, seed, how):
    frame = jpeg(height, width, seed, **how)
    np.testing.assert_array_equal(without_pillow.reduced(frame, by), codecs.reduced(frame, by))


def test_one_that_is_progressive_or_broken_off_is_refused():
    progressive = jpeg(32, 32, progressive=True)
    with pytest.raises(UnreadableImage, match='progressive JPEG, which takes Pillow'): without_pillow.reduced(progressive, 2)
    with pytest.raises(IndexError): without_pillow.reduced(jpeg(64, 64, quality=95)[:700], 2)


@settings(max_examples=150, deadline=None)
@given(SIDE, SIDE, st.integers(1, 99), st.sampled_from(['pad', 'inner', 'crop', 'stretch']), st.sampled_from([1., 1., .5, 1.7]),
       st.integers(0, 99))
def test_a_square_is_that_of_pillow_within_one_level(height, width, size, aspect, tall, seed):
    x = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        wanted = resize.square(x, size, aspect, tall).astype(int)
        patch.setitem(sys.modules, 'PIL', None)
        assert np.abs(resize.square(x, size, aspect, tall) - wanted).max() <= 1


@pytest.mark.parametrize('shape', [(1024, 1024), (512, 512), (500, 430), (430, 500), (1300, 1060), (2022, 2022), (256, 256), (200, 200)])
@pytest.mark.parametrize('size', [64, 224])
def test_and_to_the_bit_at_the_shapes_that_radiographs_have(shape, size, monkeypatch):
    x = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    wanted = resize.square(x, size)
    monkeypatch.setitem(sys.modules, 'PIL', None)
    np.testing.assert_array_equal(resize.square(x, size), wanted)


@pytest.mark.parametrize('size', [64, 224])
def test_real_radiographs_are_the_same_squares_without_it(shared, size, monkeypatch):
    paths = sorted((shared/'rsna-16').rglob('*.dcm'))[:2]
    wanted = [read_square(p, size)[0] for p in paths]
    monkeypatch.setitem(sys.modules, 'PIL', None)
    np.testing.assert_array_equal([read_square(p, size)[0] for p in paths], wanted)


def test_a_picture_needs_it(films, monkeypatch):
    monkeypatch.setitem(sys.modules, 'PIL', None)
    monkeypatch.delitem(sys.modules, 'pneumo_fastai.data.decoding.pictures', raising=False)
    with pytest.raises(UnreadableImage, match='PNG or JPEG file, which takes Pillow to read: pip install pillow'):
        read_square(next(films.rglob('*.png')), 32)
