import json
import os
import subprocess
import sys

import pytest


def test_free_memory_goes_back_every_so_many_steps_of_training_however_short_the_epochs(make, monkeypatch):
    learn, e = make()
    given, learn.give_back.every = [], 2
    def note(): given.append((learn.epoch, learn.iter, learn.training))
    monkeypatch.setattr('pneumo_fastai.training.callbacks.memory.give_back', note)
    learn.fit(2, e.lr)
    assert len(learn.dls.train) == 3 and [o for o in given if o[2]] == [(0, 1, True), (1, 0, True), (1, 2, True)]
    assert len(given) == 5  # and after each epoch


LONG = '''
import json, sys
from fastai.callback.core import Callback
from pneumo_fastai.data.prepare import find_cohort
from pneumo_fastai.experiment import load_experiment
from pneumo_fastai.memory import keep_freed, resident
from pneumo_fastai.training.callbacks.memory import GiveBack
from pneumo_fastai.training.learner import get_learner, train
from pneumo_fastai.training.loaders import get_dls

class Watch(Callback):
    order = 100
    seen = []
    def after_epoch(self): self.seen.append(resident() / 2**20)

_, experiment = load_experiment('weighted', batch_size=32, epochs=20)
learn = get_learner(experiment, get_dls(experiment, find_cohort(sys.argv[1])), sys.argv[2])
if sys.argv[3:]: learn.remove_cb(GiveBack)
keep_freed()
with learn.no_bar(), learn.no_logging(): train(learn, experiment, cbs=[Watch()])
print(json.dumps(Watch.seen))
'''


@pytest.mark.slow
def test_memory_does_not_grow_with_the_epochs(tmp_path, make_films):
    "Without `GiveBack` it grows by 3 to 6 MB a step on two cores, of which the parent's setting for tests would be one."
    films = make_films(tmp_path/'films', patients=100, each=3, size=224)
    env = {k: v for k, v in os.environ.items() if k != 'OMP_NUM_THREADS'} | {'XDG_CACHE_HOME': str(tmp_path)}
    command = [sys.executable, '-W', 'ignore', '-c', LONG, str(films), str(tmp_path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    megabytes = json.loads(done.stdout.splitlines()[-1])
    assert len(megabytes) == 20 and megabytes[-1] <= 1.08 * megabytes[1], megabytes
