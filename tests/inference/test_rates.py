import subprocess

from pneumo_fastai.experiment import Experiment
from pneumo_fastai.inference.rates import rows


def test_every_claim_about_prediction_has_a_row(films, tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(subprocess, 'run', lambda command, **options: started.append(command[1:3]))  # a cold start takes seconds
    def rate(work, n):
        work()
        return float(n)
    paths = sorted(str(p) for p in (films/'NORMAL').iterdir())[:3]
    found = list(rows(Experiment(size=32), paths, tmp_path, rate))
    assert {what for what, *_ in found} == {
        *(f'{o}, {p}, files/s' for p in ('float32', 'bfloat16') for o in ('files to a table', 'one file at a time')),
        'predict --help, a minute', 'predict of one file from cold, a minute'}
    assert all(ours > 0 and theirs > 0 for _, ours, _, theirs in found)
    assert ['-m', 'pneumo_fastai.predict'] in started and ['-c', 'import fastai.vision.all'] in started
