import json

import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.runs import facts

RECIPE = dict(arch='resnet18', size=32, aspect='pad', any_view=False, mean=.4, std=.2, threshold=.3, experiment='e', data='d',
              synthetic=False, calibrator=dict(method='temperature', temperature=2.), conformal=None)


@pytest.fixture
def folder(tmp_path):
    (tmp_path/facts.WEIGHTS).write_bytes(b'weights')
    facts.save(tmp_path, facts.described(RECIPE, dict(made_by=dict(pneumo_fastai='0.7'))))
    return tmp_path


def test_what_was_written_is_read_again(folder):
    found = facts.read(folder)
    assert {k: v for k, v in facts.flat(found).items() if k != 'decoder'} == RECIPE and list(found['files']) == [facts.WEIGHTS]
    with pytest.raises(KeyError, match='no place for'): facts.described(RECIPE | dict(novel=1), {})


def rewritten(folder, change):
    "model.json changed by someone who also makes its sum right."
    found = json.loads((folder/facts.NAME).read_text())
    change(found)
    if 'sha256' in found: found['sha256'] = facts.own_sum(found)
    (folder/facts.NAME).write_text(json.dumps(found))


@pytest.mark.parametrize('change, says', [
    (lambda f: f.update(version=2), "it has version 2, this pneumo_fastai reads 1; take the version of pneumo_fastai that made it, 0.7"),
    (lambda f: f.update(format='x'), "its format is 'x'"), (lambda f: f.update(novel=1), "its field 'novel' is not known here"),
    (lambda f: f['reading'].update(clahe=True), "its field reading.clahe is not known here"),
    (lambda f: f['files'].update({'../x': 'y'}), r"its field files\.\.\./x is not known"),
    (lambda f: f.pop('decision'), 'it has no decision'),
    (lambda f: f['reading'].update(decoder=2), 'its images were decoded by version 2 of the decoder'),
    (lambda f: f.update(classes=['a', 'b']), 'its classes are'), (lambda f: f.pop('sha256'), 'it has no sha256'),
    (lambda f: f['files'].clear(), 'it names no weights'), (lambda f: f['decision'].pop('threshold'), 'it has no threshold'),
    (lambda f: f['files'].update({'model.onnx': 'x'}), r'holds no model\.onnx')])
def test_what_this_version_does_not_know_is_refused_by_name(folder, change, says):
    rewritten(folder, change)
    with pytest.raises(InputError, match=says) as e: facts.read(folder)
    assert '\n' not in str(e.value) and str(folder) in str(e.value)


def test_each_flipped_bit_is_told_or_changes_nothing(folder):
    path, told = folder/facts.NAME, 0
    raw, before = path.read_bytes(), facts.read(folder)
    for at in range(len(raw)):
        spoilt = bytearray(raw)
        spoilt[at] ^= 1 << at % 7
        path.write_bytes(spoilt)
        try: assert facts.read(folder) == before
        except InputError as e: told += '\n' not in str(e)
    assert told > len(raw)/2  # the rest is space


def test_a_file_that_is_not_what_was_written_is_told_unless_it_is_about_to_be(folder):
    (folder/facts.WEIGHTS).write_bytes(b'wEights')
    with pytest.raises(InputError, match=r'weights\.safetensors is damaged'): facts.read(folder)
    assert facts.read(folder, (facts.WEIGHTS,))
