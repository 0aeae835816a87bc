import numpy as np
import pytest
from pydicom.dataset import Dataset

from pneumo_fastai.data.decoding.header import hashed, millimetres, tall, view, years
from pneumo_fastai.errors import UnreadableImage


def test_view():
    code = Dataset()
    code.CodeMeaning = 'postero-anterior'
    assert [view({'ViewPosition': o}) for o in ('PA', 'ap ', 'AP_ERECT', 'LLD', 'PA LAT', 'LEFT LATERAL', 'x', '', None)] == [
        'PA', 'AP', 'AP', 'LLD', 'lateral', 'lateral', 'other', None, None]
    assert view({'ViewCodeSequence': [code]}) == 'PA'
    code.CodeMeaning = 'left lateral'
    assert view({'ViewCodeSequence': [code]}) == 'lateral' and view({'ViewCodeSequence': [code], 'ViewPosition': 'AP'}) == 'AP'


def test_header_fields():
    assert [years(o) for o in ('051Y', '51', 51, '006M', '365D')] == [51, 51, 51, 0.5, pytest.approx(1, abs=0.001)]
    assert all(np.isnan(years(o)) for o in (None, '', 'old', '-3Y', '9' * 400))
    assert hashed('a') == hashed('a') != hashed('b') and hashed('') is None and len(hashed('a')) == 16


@pytest.mark.parametrize('header, mm', [
    (dict(PixelSpacing=[.143, .15]), .143), (dict(ImagerPixelSpacing=[.2, .2]), .2),
    (dict(PixelSpacing=[.1, .1], ImagerPixelSpacing=[.2, .2]), .1),
    (dict(PixelSpacing=[0, 0], ImagerPixelSpacing=[.3, .3]), .3), (dict(PixelSpacing=None), np.nan), ({}, np.nan)])
def test_spacing_of_the_pixels_or_else_of_the_detector(header, mm):
    ds = Dataset()
    for k, v in header.items(): setattr(ds, k, v)
    assert millimetres(ds) == pytest.approx(mm, nan_ok=True)


@pytest.mark.parametrize('header, times', [
    ({}, 1), (dict(PixelSpacing=[.3, .15]), 2), (dict(PixelAspectRatio=[1, 2]), .5), (dict(PixelSpacing=[.1]), 1),
    (dict(ImagerPixelSpacing=[.2, .2], PixelAspectRatio=[1, 2]), 1), (dict(PixelSpacing=[0, 0], PixelAspectRatio=[3, 1]), 3)])
def test_how_many_times_as_high_as_wide_a_pixel_is(header, times): assert tall(header) == pytest.approx(times)


def test_pixels_that_no_detector_has_are_refused():
    for spacing in ([1, 11], [11, 1]):
        with pytest.raises(UnreadableImage, match='times as high as wide'): tall(dict(PixelSpacing=spacing))
