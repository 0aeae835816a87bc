"What a damaged cache gives: the pixels of the files, and a line that says so."
import os
from pathlib import Path

import numpy as np
import pytest

from pneumo_fastai.data import cache
from pneumo_fastai.data.cache import open_pixels

N = 7  # two processes would be used for eight, were CHUNK 2


def edit(change): return lambda file: file.write_text(change(file.read_text()))


HARMS = {
    'array cut': ('*.npy', lambda file: os.truncate(file, file.stat().st_size - 500)),
    'array empty': ('*.npy', lambda file: os.truncate(file, 0)),
    'array gone': ('*.npy', Path.unlink),
    'array longer': ('*.npy', lambda file: os.truncate(file, file.stat().st_size + 500)),
    "array's header zeroed": ('*.npy', lambda file: file.write_bytes(bytes(128) + file.read_bytes()[128:])),
    'array of another shape': ('*.npy', lambda file: np.save(file, np.zeros((N, 16, 16), np.uint8))),
    'table empty': ('*.csv', edit(lambda text: '')),
    'table cut': ('*.csv', edit(lambda text: text[:-30])),
    'table garbled': ('*.csv', lambda file: file.write_bytes(os.urandom(500))),
    'one digit of the table': ('*.csv', edit(lambda text: text.replace(',50,', ',51,', 1))),
    'a row of the table gone': ('*.csv', edit(lambda text: '\n'.join(text.splitlines()[:-1]) + '\n')),
    'table of an older version': ('*.csv', edit(lambda text: text.partition(' ')[2])),
    'all zeroed': ('*.*', lambda file: file.write_bytes(bytes(file.stat().st_size)))}
ABOUTS = {
    'broken': ('about.json', edit(lambda text: text[:9])),
    'of another kind': ('about.json', edit(lambda text: '[1, 2]')),
    'with other types': ('about.json', edit(lambda text: text.replace('32', '"[/b]"'))),
    'gone': ('about.json', Path.unlink)}


def harm(tmp_path, pattern, change):
    for file in list((tmp_path/'c'/'pixels').glob(f'*/{pattern}')): change(file)


@pytest.mark.parametrize('what', HARMS)
def test_a_damaged_file_is_made_again_with_a_line_that_says_so(paths, kept, tmp_path, caplog, what, right):
    harm(tmp_path, *HARMS[what])
    assert list(cache.listing(tmp_path/'c').state) == ['damaged']
    right(kept(), paths)
    assert len(caplog.messages) == 1 and 'damaged' in caplog.messages[0] and 'decoded again' in caplog.messages[0]
    assert list(cache.listing(tmp_path/'c').state) == ['']
    caplog.clear()
    right(kept(), paths)
    assert not caplog.messages


@pytest.mark.parametrize('what', ABOUTS)
def test_what_only_the_listing_reads_is_written_anew_in_silence(paths, kept, tmp_path, caplog, what, right):
    harm(tmp_path, *ABOUTS[what])
    assert list(cache.listing(tmp_path/'c').state) == ['damaged']
    right(kept(), paths)
    assert not caplog.messages and list(cache.listing(tmp_path/'c').state) == ['']


@pytest.mark.parametrize('harmed', [b'not json\n', b'[]\n', b'[1, 2]\n', b'{"row": 0}\n', b'null\n', b'\xff\xfe\n'])
def test_what_a_killed_build_left_and_was_damaged_is_decoded_again(paths, tmp_path, monkeypatch, harmed, right, only, overwrite):
    monkeypatch.setattr(cache, 'CHUNK', 2)
    def stop(done, total, rejected):
        if done == 4: raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt): open_pixels(paths, 32, folder=tmp_path/'c', tick=stop)
    assert list(cache.listing(tmp_path/'c').state) == ['unfinished']
    journal = only('*.jsonl', tmp_path)
    first, second = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(first + harmed + second.replace(b'50', b'51'))
    overwrite(only('*.partial', tmp_path), 128, bytes(1024))
    pixels = open_pixels(paths, 32, folder=tmp_path/'c')
    right(pixels, paths)
    assert list(pixels.table.row) == list(range(N))


def test_the_listing_takes_nothing_that_is_not_ours_and_misses_nothing_that_is(kept, tmp_path):
    for name in ('0123456789abcdef', 'mine'): (tmp_path/'c'/'pixels'/name).mkdir()
    listed = cache.listing(tmp_path/'c').set_index('key')
    assert len(listed) == 2 and 'mine' not in listed.index and listed.state['0123456789abcdef'] == 'damaged'
