import json

import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import Experiment, toml
from pneumo_fastai.grid import grid
from pneumo_fastai.runs.folder import GRID, is_sweep
from pneumo_fastai.runs.sweeps import FAILED, grid_of, grid_text, read_sweep

MADE = grid('weighted', Experiment(size=64), ['lr=1e-4,1', 'gradcam=true,false', 'seed=0,1'])


@pytest.fixture
def folder(tmp_path):
    (tmp_path/'experiment.toml').write_text(toml(MADE.base))
    (tmp_path/GRID).write_text(grid_text(MADE))
    return tmp_path


def test_the_grid_is_read_back_as_it_was(folder):
    assert is_sweep(folder) and not is_sweep(folder.parent)
    assert grid_of(folder) == MADE and grid_of(folder).folder == MADE.folder and grid_of(folder).members == MADE.members


def test_members_are_finished_failed_or_neither(folder, write_run):
    one, two, *_ = MADE.members
    (folder/f'{two.name}{FAILED}').write_text('a full disk\nand how')
    with pytest.raises(InputError, match=r'no member of .* failed: a full disk; the same fit command'): read_sweep(folder)
    write_run(folder/one.name, synthetic=True)
    (folder/f'{MADE.members[2].name}.partial').mkdir()
    found = read_sweep(folder)
    assert list(found.runs) == [one.name] and found.failed == {two.name: 'a full disk'} and found.synthetic
    assert found.title == 'Sweep of weighted on films' and all(doubt.startswith(one.name) for doubt in found.doubts)
    (folder/one.name/'predictions.csv').write_text('a,b\n')
    with pytest.raises(InputError, match=one.name): read_sweep(folder)


@pytest.mark.parametrize('text', ['{}', '{"experiment": "e", "grid": 1}', '{"experiment": "e", "grid": {"lr": 1}}', '[', '{"grid": {}}'])
def test_a_grid_that_is_none_is_told_in_one_line(folder, text):
    (folder/GRID).write_text(text)
    with pytest.raises(InputError, match=GRID): read_sweep(folder)


def test_a_value_that_no_recipe_takes_is_told(folder):
    (folder/GRID).write_text(json.dumps(dict(experiment='e', grid=dict(lr=[11, 12]))))
    with pytest.raises(InputError, match='lr is 11'): read_sweep(folder)
