import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.lr_find import lr_find

pytestmark = pytest.mark.usefixtures('small')


@pytest.mark.filterwarnings('ignore:__array_wrap__')  # fastai 2.8
def test_it_prints_suggestions_and_draws(films, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(lr_find, ['--data', str(films), '--size', '32', '--batch-size', '16', '--steps', '40']) == 0
    out = capsys.readouterr().out
    assert all(o in out for o in ('valley', 'slide', 'minimum', 'steep')) and '1.00e-04' in out
    assert [p.name for p in tmp_path.iterdir()] == ['lr_find.png'] and (tmp_path/'lr_find.png').stat().st_size > 10_000


@pytest.mark.parametrize('steps', ['5', '29', '10001'])
def test_steps_too_few_or_too_many_are_told_before_the_data_are_read(tmp_path, monkeypatch, capsys, steps):
    monkeypatch.chdir(tmp_path)
    assert run(lr_find, ['--data', 'nowhere', '--steps', steps]) == 2
    assert f'steps is {steps}, it takes 30 to 10,000' in capsys.readouterr().err
