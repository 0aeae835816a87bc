from pathlib import Path

import numpy as np
import pytest

from pneumo_fastai.data.cache import open_pixels
from pneumo_fastai.data.decoding.dicom import read_square
from pneumo_fastai.errors import InputError

N = 7  # two processes would be used for eight, were CHUNK 2


@pytest.mark.parametrize('how', ['one', 'all together'])
@pytest.mark.parametrize('value', [bytes(1024), b'\1'], ids=['zeroed', 'one byte'])
def test_a_row_that_is_not_what_was_decoded_is_decoded_again(paths, kept, tmp_path, caplog, how, value, right, only, overwrite):
    file = only('*.npy', tmp_path)
    before = file.read_bytes()
    for row in (2, 5): overwrite(file, len(before) - (N - row) * 1024, value)
    pixels = kept()
    if how == 'one': right(pixels, paths)
    else: np.testing.assert_array_equal(pixels.read(range(N)), [read_square(p, 32)[0] for p in paths])
    assert len(caplog.messages) == 1 and 'damaged' in caplog.messages[0]
    caplog.clear()
    assert file.read_bytes() == before     # put right for the next time
    right(kept(), paths)
    assert not caplog.messages


@pytest.mark.parametrize('grey', ['standardised', 'equalised', 'clahe'])
def test_a_row_is_decoded_again_as_it_was(paths, tmp_path, only, overwrite, grey):
    before = open_pixels(paths, 32, grey=grey, folder=tmp_path/'c').read(range(N))
    file = only('*.npy', tmp_path)
    overwrite(file, file.stat().st_size - 2048, bytes(1500))
    np.testing.assert_array_equal(open_pixels(paths, 32, grey=grey, folder=tmp_path/'c').read(range(N)), before)
    np.testing.assert_array_equal(before, [read_square(p, 32, grey=grey)[0] for p in paths])


def test_the_row_of_a_rejected_file_is_no_damage(paths, tmp_path, caplog):
    "A GPU is given every row."
    Path(paths[3]).write_bytes(b'no image')
    pixels = open_pixels(paths, 32, folder=tmp_path/'c')
    assert len(pixels.read(range(N))) == N and not caplog.messages


def test_rows_that_changed_places_are_noticed(paths, kept, tmp_path, right, only, overwrite):
    file = only('*.npy', tmp_path)
    data = file.read_bytes()
    overwrite(file, len(data) - N * 1024, data[-1024:] + data[-N * 1024 + 1024:-1024] + data[-N * 1024:][:1024])
    right(kept(), paths)


def test_a_row_that_can_neither_be_read_nor_decoded_again_is_one_line(paths, kept, tmp_path, only, overwrite):
    file = only('*.npy', tmp_path)
    overwrite(file, file.stat().st_size - 1024, bytes(1024))
    pixels = kept()
    Path(paths[-1]).unlink()
    with pytest.raises(InputError, match=r'6\.png is damaged in the cache, and the file does not exist'): pixels[paths[-1]]
