"What is finished stays so: an interruption, a damaged part and a second process change nothing of that."
import json
from hashlib import sha256

import pytest

from pneumo_fastai.errors import Failed, InputError
from pneumo_fastai.inference.manifest import UNFINISHED, Manifest, plan

OF = dict(model='m', ending='.csv', part=2)


@pytest.fixture
def begun(tmp_path):
    (tmp_path/'list.txt').write_text('/a\n/b\n/a\n/c\n/d\n')
    def make(**other): return Manifest(tmp_path/'out', *plan(tmp_path/'out', str(tmp_path/'list.txt'), OF | other))
    return make


def finish(kept, part, text='row\n'):
    (kept.folder/UNFINISHED/'x').write_text(text)
    kept.add(dict(part=part.part, rows=2, rejected=1, warned=0, reasons={'no': 1}, bytes=len(text),
                  sha256=sha256(text.encode()).hexdigest(), wrote='x'))


def test_parts_that_are_finished_are_not_missing_any_more(begun):
    with begun() as kept:
        first, second, third = kept.missing()
        assert (first.first, first.last, second.repeated, third.last) == (1, 2, [0], 5) and kept.head['files'] == 4
        finish(kept, second)
    with begun() as kept:
        assert [p.part for p in kept.missing()] == [0, 2] and (kept.rows, kept.rejected, kept.reasons) == (2, 1, {'no': 1})
        assert kept.path(1).read_text() == 'row\n'
    assert sorted(p.name for p in kept.folder.iterdir()) == ['part-00001.csv', 'parts.jsonl', 'plan.jsonl']


def test_half_a_line_is_cut_off_and_a_damaged_or_lost_part_is_missing_again(begun, capsys):
    with begun() as kept:
        for part in kept.parts: finish(kept, part)
    kept.path(0).write_text('raw\n')
    kept.path(1).unlink()
    with (kept.folder/'parts.jsonl').open('a') as file: file.write('{"part": 0, "by')
    with begun() as kept:
        assert [p.part for p in kept.missing()] == [0, 1] and '2 parts are not as they were written' in capsys.readouterr().out
        for part in kept.missing(): finish(kept, part, 'new\n')
    with begun() as kept: assert not list(kept.missing()) and kept.rows == 6
    for line in (kept.folder/'parts.jsonl').read_text().splitlines(): json.loads(line)


@pytest.mark.parametrize('other, says', [(dict(model='n'), 'another model'), (dict(part=3), 'another --part'), ({}, 'another list')])
def test_parts_of_something_else_are_not_gone_on_with(begun, tmp_path, other, says):
    begun()
    if not other: (tmp_path/'list.txt').write_text('/a\n')
    with pytest.raises(InputError, match=f'{says}.*; give the same again, or another --out'): begun(**other)


def test_a_folder_of_someone_else_stays(begun, tmp_path):
    (tmp_path/'out').mkdir()
    (tmp_path/'out'/'notes').write_text('mine')
    with pytest.raises(InputError, match='is not empty'): begun()
    (tmp_path/'out'/'plan.jsonl').write_text('{"part": 2}\n')
    with pytest.raises(InputError, match='is not what predict wrote'): begun()
    assert sorted(p.name for p in (tmp_path/'out').iterdir()) == ['notes', 'plan.jsonl']


def test_two_at_once_do_not_mix_and_a_full_disk_fails_in_one_line(begun):
    with begun(), pytest.raises(InputError, match='another process'), begun(): pass
    with pytest.raises(Failed, match='No space left; the same command'), begun(): raise OSError(28, 'No space left')
