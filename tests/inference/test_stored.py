import numpy as np
import pytest
import torch

from pneumo_fastai.errors import InputError
from pneumo_fastai.inference.stored import by_torch, read_checked

RECIPE = dict(arch='resnet18', size=32, aspect='pad', any_view=False, mean=0.4, std=0.2, threshold=0.3, experiment='e', data='d',
              synthetic=False, calibrator=dict(method='temperature', temperature=2.))


def flipped(raw, at, path):
    spoiled = bytearray(raw)
    spoiled[at] ^= 1 << (at % 8)
    path.write_bytes(spoiled)


def places(raw):
    "Offsets in the first header, all over the data, and in the directory of a zip and the records that end it."
    directory = int.from_bytes(raw[raw.rindex(b'PK\x05\x06') + 16:][:4], 'little')
    ends = [raw.rindex(b'PK\x05\x06') + k for k in range(22)]
    return [*range(64), *np.linspace(64, directory - 1, 60).astype(int), *np.linspace(directory, len(raw) - 1, 120).astype(int), *ends]


def test_a_flipped_bit_is_told_or_changes_nothing(tmp_path):
    torch.manual_seed(0)
    path = tmp_path/'model.pt'
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 64, 5), torch.nn.Linear(300, 300)).state_dict()
    with by_torch(path) as beside: torch.save({'state': model, 'recipe': RECIPE}, beside)
    raw, told = path.read_bytes(), 0
    for at in places(raw):
        flipped(raw, int(at), path)
        try: state, recipe = read_checked(path)
        except InputError as e:
            assert str(path) in str(e) and 'damaged' in str(e) and '\n' not in str(e)
            told += 1
        else: assert recipe == RECIPE and state.keys() == model.keys() and all(torch.equal(v, model[k]) for k, v in state.items()), at
    assert told > 150  # the rest are of times, versions and padding
    for wrong in (raw[:len(raw)//2], raw[:-1], b'', raw[:1000] + bytes(2000) + raw[3000:]):
        path.write_bytes(wrong)
        with pytest.raises(InputError, match=r'model\.pt is damaged'): read_checked(path)
