import subprocess

from pneumo_fastai.benchmarks.inference import rows
from pneumo_fastai.experiment import Experiment


def test_every_claim_about_prediction_has_a_row(films, tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(subprocess, 'run', lambda command, **options: started.append(command[1:3]))  # a cold start takes seconds
    def rate(work, n):
        work()
        return float(n)
    def shortest(works, seconds):
        for work in works.values(): work()
        return dict(ours=2., alone=1.) if len(works) == 2 else dict(plain=4.)
    paths = sorted(str(p) for p in (films/'NORMAL').iterdir())[:3]
    found = list(rows(Experiment(size=32), paths, tmp_path, rate, shortest))
    assert {what for what, *_ in found} == {
        *(f'{o}, {p}, files/s' for p in ('float32', 'bfloat16') for o in ('files to a table', 'one file at a time')),
        'predict --help, a minute', 'predict of one file from cold, a minute'}
    assert all(ours > 0 and theirs > 0 for _, ours, _, theirs in found)
    ratios = [ours / theirs for what, ours, _, theirs in found if 'files to a table' in what]
    assert ratios == [.5, 2.] * 2  # what takes twice as long is half as fast
    assert ['-m', 'pneumo_fastai.predict'] in started and ['-c', 'import fastai.vision.all'] in started
