import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.ensemble import ensemble
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.models import zoo

RECIPE = dict(arch='resnet18', size=32, aspect='pad', mean=.4, std=.2, threshold=.5, calibrator=dict(method='none'))


@pytest.mark.usefixtures('small')
@pytest.mark.parametrize('argv, says', [
    ([], 'runs'), (['nowhere', 'A'], 'nowhere is no folder'), (['A'], 'two or more'), (['A', 'A'], 'hold the same network'),
    (['A', 'B'], 'holds no model/model.json')])
def test_runs_that_make_no_ensemble_get_one_line_and_no_folder(new_run, tmp_path, monkeypatch, capsys, argv, says):
    runs = dict(A=new_run('a'), B=new_run('b', seed=1))
    Bundle(zoo.build('resnet18').state_dict(), RECIPE).save(runs['A']/'model')
    monkeypatch.chdir(tmp_path)
    assert run(ensemble, [str(runs.get(o, o)) for o in argv]) == 2
    err = capsys.readouterr().err
    assert err.startswith('error: ') and err.count('\n') == 1 and says in err and not (tmp_path/'runs').exists()
