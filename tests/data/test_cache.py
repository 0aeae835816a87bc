import json
import os
import subprocess
import sys
import time
from hashlib import sha256

import numpy as np
import pytest
from PIL import Image

from pneumo_fastai.data import cache
from pneumo_fastai.data.cache import open_pixels
from pneumo_fastai.data.decoding.dicom import read_square


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


def test_an_interrupted_build_goes_on_where_it_stopped(paths, tmp_path, monkeypatch, decoded):
    monkeypatch.setattr(cache, 'CHUNK', 2)
    def stop(done, total, rejected):
        if done == 4: raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt): open_pixels(paths, 32, folder=tmp_path/'c', tick=stop)
    assert len(decoded) == 4
    pixels = open_pixels(paths, 32, folder=tmp_path/'c')
    assert [os.path.basename(p) for p in decoded] == ['0.png', '1.png', '2.png', '3.png', '4.png', '5.png']
    for p in paths: np.testing.assert_array_equal(pixels[p], read_square(p, 32)[0])
    assert {p.suffix for p in pixels.folder.iterdir()} <= {'.npy', '.csv', '.json', ''}


@pytest.mark.parametrize('harm', ['journal cut', 'journal gone', 'array cut', 'file changed'])
def test_after_a_kill_what_is_left_is_used_or_made_again(paths, tmp_path, monkeypatch, harm):
    monkeypatch.setattr(cache, 'CHUNK', 2)
    code = f"""
import os
from pneumo_fastai.data import cache
cache.CHUNK = 2
def die(done, *_): done == 4 and os.kill(os.getpid(), 9)
cache.open_pixels({[str(p) for p in paths]!r}, 32, folder={str(tmp_path/'c')!r}, tick=die)
"""
    assert subprocess.run([sys.executable, '-c', code], check=False).returncode == -9
    place, = (tmp_path/'c'/'pixels').iterdir()
    journal, array = next(place.glob('*.jsonl')), next(place.glob('*.partial'))
    if harm == 'journal cut': journal.write_bytes(journal.read_bytes()[:-20])
    if harm == 'journal gone': journal.unlink()
    if harm == 'array cut': array.write_bytes(array.read_bytes()[:1000])
    if harm == 'file changed': Image.fromarray(np.full((50, 40), 200, np.uint8)).save(paths[0])
    pixels = open_pixels(paths, 32, folder=tmp_path/'c')
    for p in paths: np.testing.assert_array_equal(pixels[p], read_square(p, 32)[0])
    assert list(pixels.table.row) == list(range(6))


def test_a_full_disk_is_an_error_and_leaves_a_usable_cache(paths, tmp_path):
    before = open_pixels(paths[:2], 32, folder=tmp_path/'c')
    code = f"""
import resource
from pneumo_fastai.data.cache import open_pixels
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))  # as a full disk: no file can grow beyond
try: open_pixels({[str(p) for p in paths]!r}, 32, folder={str(tmp_path/'c')!r})
except OSError as e: print('refused')
"""
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, 'refused\n'), done.stderr
    np.testing.assert_array_equal(open_pixels(paths[:2], 32, folder=tmp_path/'c').array, before.array)
    np.testing.assert_array_equal(open_pixels(paths, 32, folder=tmp_path/'c')[paths[5]], read_square(paths[5], 32)[0])


def test_the_listing_says_what_is_there(paths, tmp_path):
    open_pixels(paths, 32, folder=tmp_path/'c')
    open_pixels(paths[:3], 40, 'crop', folder=tmp_path/'c')
    listed = cache.listing(tmp_path/'c').sort_values('size')
    assert listed.images.tolist() == [6, 3] and listed.aspect.tolist() == ['pad', 'crop'] and (listed.megabytes > 0).all()
    assert set(listed.folder) == {str(tmp_path)} and cache.listing(tmp_path/'none').empty


def test_what_is_not_spread_is_kept_where_it_was_before_anything_could_be(paths, tmp_path, decoded):
    names = [str(p) for p in paths]
    old = sha256(json.dumps([cache.VERSION, cache.TEXTS, cache.NUMBERS, 32, 'pad', False, names]).encode()).hexdigest()[:16]
    places = [open_pixels(paths, 32, grey=grey, folder=tmp_path/'c').folder for grey in ('windowed', 'equalised', 'clahe')]
    assert places[0].name == old and len(set(places)) == 3 and len(decoded) == 18
    assert json.loads((places[0]/'about.json').read_text()).keys() == cache.ABOUT.keys()
    listed = cache.listing(tmp_path/'c').set_index('path').loc[map(str, places)]
    assert listed.grey.fillna('').tolist() == ['', 'equalised', 'clahe'] and (listed.state == '').all()


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


def test_a_file_that_could_not_be_opened_is_tried_again(paths, tmp_path, monkeypatch):
    import builtins
    real = builtins.open
    def refuse(path, *args, **kwargs):
        if str(path) == str(paths[1]): raise PermissionError(13, 'Permission denied', str(path))
        return real(path, *args, **kwargs)
    monkeypatch.setattr(builtins, 'open', refuse)
    assert open_pixels(paths, 32, folder=tmp_path/'c').table.reason[str(paths[1])] == 'cannot be opened (PermissionError)'
    monkeypatch.setattr(builtins, 'open', real)
    pixels = open_pixels(paths, 32, folder=tmp_path/'c')
    assert pixels.table.reason.isna().all() and pixels.table.height[str(paths[1])] == 50
    np.testing.assert_array_equal(pixels[paths[1]], read_square(paths[1], 32)[0])


def test_only_what_is_ours_is_listed_and_so_cleared(tmp_path):
    (tmp_path/'c'/'demo-patients-v1').mkdir(parents=True)
    assert cache.listing(tmp_path/'c').empty
