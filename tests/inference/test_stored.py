import json

import numpy as np
import pytest
import torch

from pneumo_fastai.errors import InputError
from pneumo_fastai.inference.stored import loaded, read_arrays, read_weights, write_arrays, write_weights


def state():
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 5), torch.nn.BatchNorm2d(8)).to(memory_format=torch.channels_last)
    return net.state_dict() | dict(again=net[0].bias)  # one tensor by two names


def test_tensors_come_back_as_they_were_and_the_bytes_are_the_same_each_time(tmp_path):
    given = state()
    for name in 'ab': write_weights(tmp_path/name, given)
    again = read_weights(tmp_path/'a')
    assert again.keys() == given.keys() and all(torch.equal(v, given[k]) for k, v in again.items())
    assert (tmp_path/'a').read_bytes() == (tmp_path/'b').read_bytes()
    arrays = dict(x=np.arange(6, dtype=np.float16).reshape(2, 3), y=np.array([1, 0], np.uint8))
    write_arrays(tmp_path/'c', arrays)
    assert all(np.array_equal(v, arrays[k]) and v.dtype == arrays[k].dtype for k, v in read_arrays(tmp_path/'c').items())


def test_what_is_no_whole_file_is_told_in_a_line(tmp_path):
    write_weights(tmp_path/'x.safetensors', state())
    raw = (tmp_path/'x.safetensors').read_bytes()
    wrong = json.dumps({'x': dict(dtype='F32', shape=[10**9], data_offsets=[0, 4 * 10**9])}).encode()
    for bad in (raw[:len(raw)//2], raw[:-1], b'', b'no', len(wrong).to_bytes(8, 'little') + wrong + bytes(4)):
        (tmp_path/'x.safetensors').write_bytes(bad)
        with pytest.raises(InputError, match='safetensors is damaged') as e: loaded(tmp_path/'x.safetensors', 'weights ')
        assert '\n' not in str(e.value) and str(e.value).startswith('weights ')


def test_a_flipped_bit_in_torchs_own_file_is_told(tmp_path):
    torch.save(state(), path := tmp_path/'x.pt')
    assert loaded(path).keys() == state().keys()
    raw = bytearray(path.read_bytes())
    raw[raw.index(loaded(path)['0.weight'].numpy().tobytes()) + 3] ^= 4
    path.write_bytes(raw)
    with pytest.raises(InputError, match=r'x\.pt is damaged'): loaded(path)
