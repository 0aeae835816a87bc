from io import StringIO
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.progress import Progress

from pneumo_fastai.training import watched
from pneumo_fastai.writing import write


@pytest.fixture
def two(tmp_path): return [SimpleNamespace(place=tmp_path/name, experiment=SimpleNamespace(epochs=4)) for name in ('lr=[1]', 'fold-2')]


def begin(member, state='running', history=None):
    beside = watched.partial(member.place)
    beside.mkdir(exist_ok=True)
    write(beside/'state.json', f'{{"state": "{state}"}}')
    if history: write(beside/'history.csv', history)


def test_a_line_for_who_begins_or_ends_and_a_bar_of_epochs_in_between(two, monkeypatch):
    monkeypatch.setattr(watched, 'PERIOD', 1000)
    progress = Progress(console=Console(file=StringIO(), width=80))
    shown = watched.Shown(two, progress)
    first, second = two
    for state in ('interrupted', ''):  # what was left by another time, or half written
        begin(first, state)
        shown.look()
    assert len(progress.tasks) == 1
    for history, done in ((None, 0), ('epoch,loss\n', 0), ('epoch,loss\n0,.5\n1,.4\n', 2)):
        begin(first, history=history)
        shown.look()
        assert [(t.description, t.completed, t.total) for t in progress.tasks] == [('members', 0, 2), ('lr=[1]', done, 4)]
    shown.over(second.place, ValueError())
    shown.over(first.place, None)
    shown.look()
    assert [(t.description, t.completed) for t in progress.tasks] == [('members', 2)]
    assert progress.console.file.getvalue().splitlines() == ['lr=[1]: begun', 'lr=[1]: done']  # why one failed is told by who asks


def test_it_looks_until_it_is_left(two, monkeypatch):
    monkeypatch.setattr(watched, 'PERIOD', .01)
    progress = Progress(console=Console(quiet=True))
    with watched.watched(two, progress):
        begin(two[0])
        while len(progress.tasks) < 2: pass
    assert [t.description for t in progress.tasks] == ['members']
