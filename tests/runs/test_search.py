import json
import shutil

import pandas as pd
import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import Experiment, toml
from pneumo_fastai.grid import grid
from pneumo_fastai.runs.checksums import write_sums
from pneumo_fastai.runs.folder import GRID
from pneumo_fastai.runs.search import search
from pneumo_fastai.runs.sweeps import FAILED, grid_text


@pytest.fixture(scope='module')
def trained(tmp_path_factory, write_trained): return write_trained(tmp_path_factory.mktemp('made')/'run', epochs=2)


@pytest.fixture
def runs(tmp_path): return tmp_path/'runs'


def test_runs_are_found_at_any_depth_and_each_once(trained, runs):
    shutil.copytree(trained, runs/'a')
    shutil.copytree(trained, runs/'deep'/'er'/'b')
    ticks = []
    found = search([runs, runs/'a', runs], lambda *n: ticks.append(n))
    assert [one.at for one in found.runs] == ['runs/a'] and ticks == [(1, 2), (2, 2)]
    assert found.left_out == {'runs/deep/er/b': 'it is a copy of runs/a'} and not found.unfinished and not found.elsewhere
    assert found.runs[0].metrics == json.loads((trained/'metrics.json').read_text())


def test_an_image_is_known_by_its_place_in_the_data_set(trained, runs):
    one, = search([trained]).runs
    assert set(one.run.cohort.path) == {f'{k}.dcm' for k in range(300)} >= set(one.run.predictions.path)


def test_what_is_not_finished_is_counted_with_the_reason(trained, runs):
    for name in 'abc': shutil.copytree(trained, runs/name)
    for name in 'ab': (runs/name/'SHA256SUMS').unlink()
    (runs/'a'/'state.json').write_text(json.dumps(dict(state='failed', why='a full disk')))
    (runs/'b'/'metrics.json').unlink()
    (runs/'begun').mkdir()
    (runs/'begun'/'state.json').write_text(json.dumps(dict(state='running')))
    found = search([runs])
    assert found.unfinished == {'runs/a': 'failed: a full disk', 'runs/b': 'not finished', 'runs/begun': 'interrupted'}
    assert [one.at for one in found.runs] == ['runs/c']


def test_of_a_sweep_the_members_are_found_and_the_others_named(trained, runs):
    made = grid('weighted', Experiment(), ['seed=0,1,2,3'])
    sweep = runs/made.folder
    shutil.copytree(trained, sweep/'seed=0')
    (sweep/'experiment.toml').write_text(toml(made.base))
    (sweep/GRID).write_text(grid_text(made))
    (sweep/f'seed=1{FAILED}').write_text('no memory\nand where')
    (sweep/'seed=2.partial').mkdir()
    (sweep/'seed=2.partial'/'experiment.toml').write_text('')
    found = search([runs])
    assert [one.at for one in found.runs] == [f'runs/{made.folder}/seed=0']
    assert found.unfinished == {f'runs/{made.folder}/seed={k}': why
                                for k, why in {1: 'failed: no memory', 2: 'not finished', 3: 'not trained yet'}.items()}


def test_what_is_no_run_as_it_was_is_left_out_with_the_reason(trained, runs, write_folds):
    for name in ('changed', 'told', 'future', 'sound'): shutil.copytree(trained, runs/name)
    rows = pd.read_csv(runs/'changed'/'predictions.csv')
    rows.assign(probability=rows.probability.round(1)).to_csv(runs/'changed'/'predictions.csv', index=False)
    (runs/'told'/'metrics.json').write_text('{"test": {}}')
    (runs/'future'/'experiment.toml').write_text('new_field = 1\n')
    write_sums(runs/'future')
    write_folds(runs/'folds')
    found = search([runs])
    assert [one.at for one in found.runs] == ['runs/sound'] and len(found.left_out) == 4
    assert found.left_out['runs/changed'].startswith('predictions.csv was another when the run ended')
    assert found.left_out['runs/told'] == 'metrics.json was another when the run ended'
    assert 'new_field' in found.left_out['runs/future'] and 'cross-validation' in found.left_out['runs/folds']


def test_an_evaluation_elsewhere_is_told_from_a_run_and_from_an_adaptation(measured_elsewhere, adapted, tmp_path):
    (tmp_path/'x').mkdir()
    for name, folder in dict(run=measured_elsewhere[0], there=measured_elsewhere[1], other=adapted[1]).items():
        shutil.copytree(folder, tmp_path/'x'/name)
    found = search([tmp_path/'x'])
    assert [one.at for one in found.runs] == ['x/run'] and [one.at for one in found.elsewhere] == ['x/there']
    assert found.left_out['x/other'].startswith('it is adapted')


def test_what_a_fold_was_measured_on_elsewhere_is_found_inside_a_cross_validation(measured_elsewhere, runs, write_folds):
    write_folds(runs/'cv')
    shutil.copytree(measured_elsewhere[1], runs/'cv'/'fold-1-on-drawn')
    assert [one.at for one in search([runs]).elsewhere] == ['runs/cv/fold-1-on-drawn']


@pytest.mark.parametrize('make, says', [(False, 'is no folder'), (True, 'no finished run in')])
def test_where_nothing_is_one_line_says_so(runs, make, says):
    if make: runs.mkdir()
    with pytest.raises(InputError, match=says): search([runs])


def test_where_nothing_is_finished_the_first_reason_is_said(tmp_path, write_trained):
    (write_trained(tmp_path/'a')/'experiment.toml').write_text('no = [')
    says = r'1 that are none or not finished, the first .*/a: experiment.toml was another when'
    with pytest.raises(InputError, match=says): search([tmp_path])


def test_two_folders_of_one_name_are_told_apart_and_their_copies_known(trained, tmp_path):
    for host in 'ab': shutil.copytree(trained, tmp_path/host/'runs'/'x')
    found = search([tmp_path/'a'/'runs', tmp_path/'b'/'runs'])
    assert [one.at for one in found.runs] == ['a/runs/x'] and found.left_out == {'b/runs/x': 'it is a copy of a/runs/x'}


def test_what_a_run_holds_and_what_a_link_leads_to_is_found(trained, runs, measured_elsewhere, tmp_path):
    shutil.copytree(trained, tmp_path/'far'/'one')
    shutil.copytree(measured_elsewhere[1], tmp_path/'far'/'one'/'elsewhere')
    runs.mkdir()
    (runs/'state.json').write_text('{"state": "running"}')  # of something else
    (runs/'link').symlink_to(tmp_path/'far')
    (tmp_path/'far'/'round').symlink_to(runs)
    found = search([runs])
    assert [one.at for one in found.runs] == ['runs/link/one'] and [one.at for one in found.elsewhere] == ['runs/link/one/elsewhere']
    assert found.unfinished == {'runs': 'interrupted'}


def test_a_name_that_is_no_text_is_told_as_far_as_it_is(trained, runs):
    shutil.copytree(trained, runs/b'caf\xe9'.decode('utf-8', 'surrogateescape')/'one')
    assert [one.at for one in search([runs]).runs] == ['runs/caf?/one']
