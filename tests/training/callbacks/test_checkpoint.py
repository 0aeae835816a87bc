"A training that is stopped anywhere and gone on with is the one that never was: weights, history, predictions, to the bit."
import signal
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from rich.console import Console
from rich.progress import Progress

from pneumo_fastai.errors import InputError
from pneumo_fastai.training import run
from pneumo_fastai.training.callbacks.checkpoint import SHARE, Checkpoint
from pneumo_fastai.training.checkpoints import FOLDER, files
from pneumo_fastai.training.interrupt import Interrupted

RECIPES = dict(
    plain={}, augmented=dict(flip=.5, rotate=10., erase=.5, tta=2), patient=dict(patience=1, epochs=6),
    one_cycle=dict(schedule='one_cycle', optimizer='adamw', mixup=.4), watched=dict(gradcam=True, oversample='class'),
    head_first=dict(weights='x', freeze_epochs=2, lr_mult=10.))


class After:
    "A `Stop` that is asked when it was looked at so often."
    def __init__(self, looks): self.left = looks
    @property
    def signal(self):
        self.left -= 1
        return signal.SIGTERM if self.left < 0 else None


@pytest.fixture
def fitted(tiny, cohort, tmp_path, monkeypatch):
    monkeypatch.setattr('pneumo_fastai.training.learner.start', lambda net, experiment: None)
    def fitted(name, looks=10**9, cohort=cohort, **changes):
        "(learner, how often it was interrupted) of a training that stops when looked at so often, until it ends."
        (folder := tmp_path/name).mkdir(exist_ok=True)
        stops = 0
        while True:
            @contextmanager
            def stoppable(): yield After(looks)
            monkeypatch.setattr(run, 'stoppable', stoppable)
            try: return run.fit_into(folder, replace(tiny, **changes), cohort, 'c', Progress(console=Console(quiet=True)), 'e'), stops
            except Interrupted: stops += 1
    return fitted


def written(folder): return {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix in ('.csv', '.png', '.gif')}


@pytest.mark.parametrize('recipe', RECIPES)
def test_interrupted_many_times_it_ends_with_the_same_bytes(fitted, tmp_path, recipe):
    whole, _ = fitted('whole', **RECIPES[recipe])
    parts, stops = fitted('parts', looks=1, **RECIPES[recipe])  # every second step or end of an epoch
    assert stops >= 2 and written(tmp_path/'whole') == written(tmp_path/'parts')
    for name, value in whole.model.state_dict().items(): assert torch.equal(value, parts.model.state_dict()[name])
    assert whole.recorder.lrs == parts.recorder.lrs and len(whole.recorder.losses) == len(parts.recorder.losses)


def test_from_the_checkpoint_before_a_damaged_one_it_ends_the_same(fitted, tmp_path):
    fitted('whole')
    fitted('parts')
    *_, last = files(tmp_path/'parts'/FOLDER)
    last.write_bytes(last.read_bytes()[:-1])
    for path in (tmp_path/'parts').glob('*s.csv'): path.unlink()
    fitted('parts')
    assert written(tmp_path/'whole') == written(tmp_path/'parts')


def test_with_other_images_it_does_not_go_on(fitted, cohort, tmp_path):
    fitted('run')
    fewer = replace(cohort, table=cohort.table.iloc[1:].reset_index(drop=True))
    with pytest.raises(InputError, match='another set of images'): fitted('run', cohort=fewer)
    class Other:
        how, array = cohort.pixels.how, cohort.pixels.array[::-1]
        def __getattr__(self, name): return getattr(cohort.pixels, name)
        def read(self, rows, *out): return 255 - cohort.pixels.read(rows, *out)
    with pytest.raises(InputError, match='are not those'): fitted('run', cohort=replace(cohort, pixels=Other()))


def test_within_an_epoch_and_after_it_checkpoints_take_their_share_of_the_time(tmp_path):
    cb = Checkpoint(tmp_path, minutes=10)
    cb.cost = 1.
    for ago, seconds, due in ((.9/SHARE, 0, False), (1.1/SHARE, 0, True), (1.1/SHARE, 600, False), (601, 600, True)):
        cb.saved = time.monotonic() - ago
        assert cb._due(seconds) is due
    cb.minutes = 0
    assert cb._due(0)
