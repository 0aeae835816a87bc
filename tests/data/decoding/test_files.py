"What is no regular file is neither waited for nor read without end: each in a process of its own, which the test ends if it hangs."
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pneumo_fastai
from pneumo_fastai.data.decoding.files import beginning

READ = """
import sys
from pneumo_fastai.data.decoding.dicom import UnreadableImage, read_film
try: read_film(sys.argv[1])
except UnreadableImage as e: print(e.reason)
"""


def answer(code, path):
    environment = os.environ | {'PYTHONPATH': str(Path(pneumo_fastai.__file__).parents[1])}
    command = [sys.executable, '-c', code, path]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=True).stdout


@pytest.mark.parametrize('device', [None, '/dev/zero'])
def test_a_pipe_or_a_device_is_no_image(tmp_path, device):
    path = tmp_path/'x.dcm'
    if device: path.symlink_to(device)
    else: os.mkfifo(path)
    assert 'is no regular file' in answer(READ, path)


def test_nor_has_it_a_beginning(tmp_path):
    os.mkfifo(tmp_path/'x')
    (tmp_path/'zero').symlink_to('/dev/zero')
    code = ('import sys; from pathlib import Path; from pneumo_fastai.data.layouts.common import is_image; '
            'print(is_image(Path(sys.argv[1])))')
    assert answer(code, tmp_path/'x') == answer(code, tmp_path/'zero') == 'False\n'


def test_the_beginning_of_a_file(tmp_path):
    (tmp_path/'a').write_bytes(b'abc')
    (tmp_path/'b').symlink_to(tmp_path/'a')
    assert beginning(tmp_path/'a', 2) == beginning(tmp_path/'b', 2) == b'ab' and beginning(tmp_path/'a', 9) == b'abc'


@pytest.mark.skipif(sys.platform != 'linux', reason='/proc is of Linux')
def test_no_more_is_read_than_the_size_says():
    assert beginning('/proc/self/maps', 9) == b''  # size 0, though it can be read
