"How a run begins and goes on; that it ends the same: test_checkpoint.py, of real processes test_resume.py."
import json
from dataclasses import replace

import pytest
import torch
from rich.console import Console
from rich.progress import Progress

from pneumo_fastai.training import begin, run
from pneumo_fastai.training.interrupt import Interrupted, Stop


def test_a_run_that_goes_on_keeps_what_it_said_of_itself_without_trying_it_again(tiny, cohort, tmp_path, monkeypatch):
    asked, stop = [], Stop()
    monkeypatch.setattr(begin, 'not_deterministic', lambda learn: asked.append(learn) or ['a_step'])
    def fit(command, **how):
        return run.fit_into(tmp_path, replace(tiny, epochs=1), cohort, command, Progress(console=Console(quiet=True)), 'e', **how)
    stop.signal = 15
    with pytest.raises(Interrupted): fit('first', stop=stop)
    before = json.loads((tmp_path/'environment.json').read_text())
    monkeypatch.setattr(torch, 'get_num_threads', lambda: 7)
    fit('second')
    after = json.loads((tmp_path/'environment.json').read_text())
    assert len(asked) == 1 and after.items() >= before.items()
    assert after['resumed'] == [dict(epoch=0, step=1, command='second', other=dict(threads=[before['threads'], 7]))]


def test_what_is_hidden_and_not_of_a_process_that_was_killed_stays(tiny, cohort, tmp_path):
    for name in ('.git', '.12-half', 'deep/.whole-half'): (tmp_path/name).mkdir(parents=True)
    (tmp_path/'.nfs000123').write_text('open elsewhere')
    begin.begun(tmp_path, tiny, cohort, print)
    assert {p.name for p in tmp_path.rglob('.*')} == {'.git', '.nfs000123'}
