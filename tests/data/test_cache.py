import os
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from pneumo_fastai.data import cache
from pneumo_fastai.data.cache import open_pixels
from pneumo_fastai.data.dicom import read_square


@pytest.fixture
def paths(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(6): Image.fromarray(rng.integers(0, 256, (50, 40)).astype(np.uint8)).save(tmp_path/f'{i}.png')
    return [tmp_path/f'{i}.png' for i in range(6)]


@pytest.fixture
def decoded(monkeypatch):
    "The paths that were decoded, in order."
    seen = []
    monkeypatch.setattr(cache, 'read_square', lambda path, *args: seen.append(path) or read_square(path, *args))
    return seen


def test_the_cache_holds_what_the_decoder_gives_and_decodes_once(paths, tmp_path, decoded):
    pixels = open_pixels(reversed(paths), 32, folder=tmp_path/'c')
    for p in paths: np.testing.assert_array_equal(pixels[p], read_square(p, 32)[0])
    assert isinstance(pixels.array, np.memmap) and pixels.array.dtype == np.uint8 and len(decoded) == 6
    open_pixels(paths, 32, folder=tmp_path/'c')
    assert len(decoded) == 6
    open_pixels(paths, 40, folder=tmp_path/'c')  # another size is another array
    open_pixels(paths, 32, 'crop', folder=tmp_path/'c')
    assert len(decoded) == 18


def test_a_changed_file_is_decoded_again_and_the_old_pixels_go(paths, tmp_path):
    before = open_pixels(paths, 32, folder=tmp_path/'c')
    Image.fromarray(np.full((50, 40), 200, np.uint8)).save(paths[2])
    after = open_pixels(paths, 32, folder=tmp_path/'c')
    np.testing.assert_array_equal(after[paths[2]], read_square(paths[2], 32)[0])
    assert (before[paths[2]] != after[paths[2]]).any()  # an array that is open keeps what it had
    assert len(list(after.folder.glob('*.npy'))) == 1


def test_a_file_that_cannot_be_read_is_listed_with_its_reason(paths, tmp_path):
    paths[1].write_bytes(b'no image')
    ticks = []
    pixels = open_pixels([*paths, tmp_path/'absent.png'], 32, folder=tmp_path/'c', tick=lambda *a: ticks.append(a))
    reasons = pixels.table.reason.dropna()
    assert set(reasons.index) == {str(paths[1]), str(tmp_path/'absent.png')} and all(reasons)
    assert ticks[-1] == (7, 7, 2)
    np.testing.assert_array_equal(pixels[paths[5]], read_square(paths[5], 32)[0])


def test_an_interrupted_build_leaves_nothing_that_is_taken_for_whole(paths, tmp_path, monkeypatch):
    def stop(*a): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt): open_pixels(paths, 32, folder=tmp_path/'c', tick=stop)
    pixels = open_pixels(paths, 32, folder=tmp_path/'c')
    for p in paths: np.testing.assert_array_equal(pixels[p], read_square(p, 32)[0])
    assert not list(pixels.folder.glob('*.partial'))


def test_two_processes_at_once_decode_once(paths, tmp_path):
    code = f'''
import sys, time
from pneumo_fastai.data import cache
real, n = cache.read_square, 0
def slow(*a):
    global n
    n += 1
    time.sleep(0.1)
    return real(*a)
cache.read_square = slow
pixels = cache.open_pixels({[str(p) for p in paths]!r}, 32, folder={str(tmp_path/'c')!r})
print(n, int(pixels.array.sum()))
'''
    both = [subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    counts, sums = zip(*(map(int, p.communicate(timeout=60)[0].split()) for p in both), strict=True)
    assert sorted(counts) == [0, 6] and sums[0] == sums[1]


def test_several_processes_give_the_same_array(tmp_path):
    rng = np.random.default_rng(1)
    paths = [tmp_path/f'{i:03}.png' for i in range(5 * cache.CHUNK)]
    for p in paths: Image.fromarray(rng.integers(0, 256, (8, 8)).astype(np.uint8)).save(p)
    one, two = (open_pixels(paths, 32, folder=tmp_path/f'c{jobs}', jobs=jobs) for jobs in (1, 2))
    np.testing.assert_array_equal(one.array, two.array)
    assert list(one.table.index) == list(two.table.index) == sorted(map(str, paths))


def test_the_same_bytes_touched_are_decoded_again(paths, tmp_path, decoded):
    open_pixels(paths, 32, folder=tmp_path/'c')
    os.utime(paths[0], (time.time() + 5,) * 2)
    open_pixels(paths, 32, folder=tmp_path/'c')
    assert len(decoded) == 12
