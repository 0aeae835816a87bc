"The loop over the members; what their table says: tests/report/test_sweeps.py."
import json
import weakref

import pandas as pd
import pytest
from fastai.callback.core import Callback
from rich.console import Console
from rich.progress import Progress

from pneumo_fastai.data.prepare import deciding, prepare
from pneumo_fastai.errors import InputError
from pneumo_fastai.grid import grid
from pneumo_fastai.runs.sweeps import read_sweep
from pneumo_fastai.training import learner, run
from pneumo_fastai.training.sweep import train_sweep


@pytest.fixture(scope='module')
def quiet(): return Progress(console=Console(quiet=True))


@pytest.fixture(autouse=True)
def no_figures(monkeypatch):
    "Drawing is tested elsewhere."
    monkeypatch.setattr(run, 'draw_images', lambda *a: None)
    monkeypatch.setattr(run, 'present', lambda *a: None)


@pytest.fixture
def four(tiny): return grid('tiny', tiny, ['lr=1e-3,3e-3', 'seed=0,1', 'epochs=1'])


def go(four, cohort, quiet, folder): return train_sweep(folder, four, {deciding(four.base): cohort}, 'command', quiet)
def files(folder): return {p: p.read_bytes() for p in folder.rglob('*') if p.is_file()}


@pytest.mark.slow
def test_it_goes_on_where_it_stopped_and_a_member_is_the_run_it_would_be_alone(four, cohort, quiet, tmp_path, monkeypatch):
    real, begun = run.fit_into, []
    def stop_at_the_third(folder, *args):
        begun.append(folder.name)
        if len(begun) == 3:
            for place in (folder, folder/'checkpoints', folder/'.1-model'): place.mkdir(exist_ok=True)
            for place in ('.1-roc.png', 'checkpoints/.1-a', '.1-model/half'): (folder/place).touch()
            raise KeyboardInterrupt
        return real(folder, *args)
    monkeypatch.setattr(run, 'fit_into', stop_at_the_third)
    with pytest.raises(KeyboardInterrupt): go(four, cohort, quiet, tmp_path)
    first = {m.name: files(tmp_path/m.name) for m in four.members[:2]}
    assert len(read_sweep(tmp_path).runs) == 2
    assert go(four, cohort, quiet, tmp_path) == {} and not list(tmp_path.glob('*.partial')) and not list(tmp_path.rglob('.1-*'))
    assert begun == [f'{m.name}.partial' for m in (*four.members[:3], *four.members[2:])]
    for name, was in first.items(): assert files(tmp_path/name) == was
    assert go(four, cohort, quiet, tmp_path) == {} and len(begun) == 5  # nothing is left to train
    last, alone = four.members[-1], tmp_path/'alone'
    alone.mkdir()
    real(alone, last.experiment, cohort, 'command', quiet, 'e')
    pd.testing.assert_frame_equal(pd.read_csv(alone/'predictions.csv'), pd.read_csv(tmp_path/last.name/'predictions.csv'))
    assert json.loads((tmp_path/last.name/'environment.json').read_text())['training']['images'] == 48


@pytest.mark.slow
def test_a_member_that_fails_is_noted_and_tried_again_and_stops_nobody(four, cohort, quiet, tmp_path, monkeypatch):
    real, gone = run.fit_into, InputError('no such folder:\nfilms')
    broken = {'lr=0.001,seed=1,epochs=1': gone, 'lr=0.003,seed=0,epochs=1': KeyError('x')}
    def fail(folder, *args):
        if error := broken.get(folder.name.removesuffix('.partial')): raise error
        return real(folder, *args)
    monkeypatch.setattr(run, 'fit_into', fail)
    failed = go(four, cohort, quiet, tmp_path)
    assert failed == {'lr=0.001,seed=1,epochs=1': 'no such folder: films', 'lr=0.003,seed=0,epochs=1': "KeyError: 'x'"}
    found = read_sweep(tmp_path)
    assert found.failed == failed and list(found.runs) == [four.members[0].name, four.members[3].name]
    assert {p.stem for p in tmp_path.glob('*.partial')} == set(broken)  # with what they have learnt
    assert 'Traceback' in (tmp_path/'lr=0.003,seed=0,epochs=1.failed').read_text()
    broken.clear()
    assert go(four, cohort, quiet, tmp_path) == {} and read_sweep(tmp_path).failed == {} and len(read_sweep(tmp_path).runs) == 4


@pytest.mark.slow
def test_a_member_whose_loss_is_no_number_begins_anew_for_its_checkpoint_leads_there_again(four, cohort, quiet, tmp_path, monkeypatch):
    class Break(Callback):
        order = -8  # before the loss is looked at
        def after_loss(self):
            if self.training and self.iter: self.learn.loss_grad = self.loss_grad * float('nan')
    monkeypatch.setattr(learner, 'batch_callbacks', lambda experiment: [Break()])
    failed = train_sweep(tmp_path, four, {deciding(four.base): cohort}, 'command', quiet, minutes=0)
    assert len(failed) == 4 and all('the loss is nan at epoch 0, step 1 of 3' in why for why in failed.values())  # of step 0 it kept one
    assert not list(tmp_path.glob('*.partial'))


def test_every_member_is_given_what_it_decodes_and_splits(tiny, make_films, quiet, tmp_path, monkeypatch):
    from pneumo_fastai.report.reading import cohorts_ready
    made = grid('tiny', tiny, ['split_seed=0,1', 'size=32,40'])
    films = make_films(tmp_path/'films', patients=150, each=1)
    cohorts, seen = cohorts_ready(films, [m.experiment for m in made.members], None), []
    monkeypatch.setattr(run, 'fit_into', lambda folder, e, cohort, *a: seen.append(prepare(cohort, e).pixels.array.shape[1]))
    monkeypatch.setattr(run, 'finish', lambda *a: None)
    assert train_sweep(tmp_path/'films', made, cohorts, 'command', quiet) == {} and seen == [32, 40, 32, 40] and len(cohorts) == 4


@pytest.mark.slow
def test_no_learner_outlives_its_member(four, cohort, quiet, tmp_path, monkeypatch):
    real, learners = run.fit_into, []
    def remembered(*args):
        assert not [ref for ref in learners if ref()]
        learners.append(weakref.ref(learn := real(*args)))
        return learn
    monkeypatch.setattr(run, 'fit_into', remembered)
    monkeypatch.setattr(run, 'finish', lambda *a: None)
    go(four, cohort, quiet, tmp_path)
    assert len(learners) == 4 and not any(ref() for ref in learners) and len(quiet.task_ids) == 1  # the bar of all


def test_another_grid_or_process_is_not_mixed_in(four, tiny, cohort, quiet, tmp_path, monkeypatch):
    from filelock import FileLock
    monkeypatch.setattr(run, 'fit_into', lambda *a: pytest.fail('must not train'))
    with FileLock(tmp_path/'lock'), pytest.raises(InputError, match='another process'): go(four, cohort, quiet, tmp_path)
    with pytest.raises(InputError, match='another recipe'): go(grid('tiny', tiny, ['lr=1e-3,1e-2']), cohort, quiet, tmp_path)


def test_members_of_a_fraction_each_train_on_their_share_and_are_measured_on_the_same(tiny, films, quiet, tmp_path, small):
    from pneumo_fastai.report.reading import cohorts_ready
    made = grid('tiny', tiny, ['fraction=0.5,1', 'epochs=1'])
    cohorts = cohorts_ready(films, [m.experiment for m in made.members], None)
    assert len(cohorts) == 1 and train_sweep(tmp_path, made, cohorts, 'command', quiet) == {}
    half, whole = read_sweep(tmp_path).runs.values()
    assert set(half.cohort.patient[half.cohort.split == 'train']) < set(whole.cohort.patient[whole.cohort.split == 'train'])
    assert half.splits[-1] == 'unused' and half.data['notes'][-1].startswith('fraction 0.5: ') and not whole.data['notes']
    assert len(half.cohort) == len(whole.cohort)
    columns = ['path', 'patient', 'split', 'label']
    assert half.predictions[columns].to_csv() == whole.predictions[columns].to_csv()
