import hashlib
from io import BytesIO

import numpy as np
import pytest
import torch

from pneumo_fastai.errors import InputError
from pneumo_fastai.training import checkpoints
from pneumo_fastai.training.checkpoints import files, latest, load, plain, save


def state(epoch, step=0, phase=2): return dict(phase=phase, epoch=epoch, step=step, w=torch.full((64,), float(epoch)))


def test_the_last_two_are_kept_and_the_last_whole_one_is_found(tmp_path):
    for epoch, step in ((0, 7), (1, 0), (1, 12), (10, 0)): save(tmp_path, state(epoch, step))
    assert [p.name for p in files(tmp_path)] == ['2-00001-000000012.checkpoint', '2-00010-000000000.checkpoint']
    assert latest(tmp_path)['epoch'] == 10 and (latest(tmp_path)['w'] == 10).all()
    save(tmp_path, state(0, phase=2) | dict(epoch=11))
    assert latest(tmp_path/'none') is None


def test_any_byte_that_is_another_is_seen_and_the_one_before_is_used(tmp_path):
    save(tmp_path, state(1))
    save(tmp_path, state(2))
    last, said = files(tmp_path)[1], []
    whole = last.read_bytes()
    for at in np.random.default_rng(0).integers(0, len(whole), 40).tolist():
        last.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
        assert latest(tmp_path, said.append)['epoch'] == 1
    last.write_bytes(whole[:-5])
    assert latest(tmp_path, said.append)['epoch'] == 1 and len(said) == 41 and all(last.name in o and 'damaged' in o for o in said)


def test_no_code_is_run(tmp_path):
    class Evil:
        def __reduce__(self): return (open, (str(tmp_path/'run'), 'w'))
    torch.save(dict(x=Evil()), buffer := BytesIO())
    file = tmp_path/f'2-00001-000000000{checkpoints.ENDING}'
    file.write_bytes(hashlib.sha256(buffer.getvalue()).hexdigest().encode() + b'\n' + buffer.getvalue())
    with pytest.raises(InputError, match='more than tensors'): load(file)
    assert not (tmp_path/'run').exists()


def test_values_come_back_as_they_were(tmp_path):
    drawn = np.random.default_rng(0).random(2)
    was = dict(state(3), a=np.arange(3, dtype=np.float16), b=(1, None, 'x', (2., [True])), c=np.float64(.1), d=drawn)
    save(tmp_path, plain(was))
    now = latest(tmp_path)
    assert now['a'].numpy().dtype == np.float16 and now['b'] == was['b'] and now['c'] == .1 and (now['d'].numpy() == was['d']).all()
