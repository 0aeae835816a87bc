"A run's folder as data: whether it ended, what in it is missing or of another run, and a new one."
import json
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluate import evaluate
from pneumo_fastai.runs.folder import NEVER, check_different, chosen, is_cross_validation, new_folder, read_run

pytestmark = pytest.mark.usefixtures('undrawn')
FEW = ['--n-boot', '5']


def test_a_run_of_before_and_one_that_never_ended(new_run, capsys, finished):
    folder = new_run()
    assert run(evaluate, [str(folder), *FEW]) == 0 and not (folder/'SHA256SUMS').exists()
    assert NEVER in json.loads((folder/'metrics.json').read_text())['warnings'] and NEVER[:60] in ' '.join(capsys.readouterr().out.split())
    (finished(folder)/'SHA256SUMS').unlink()
    assert run(evaluate, [str(folder), *FEW]) == 2
    err = capsys.readouterr().err
    assert err.count('\n') == 1 and 'not finished' in err and run(evaluate, [str(folder), *FEW, '--force']) == 0
    assert 'The run is not finished, for it has no SHA256SUMS' in (folder/'report.html').read_text()


def test_one_remedy_for_a_run_that_never_ended_and_a_cell_that_is_blank(new_run, capsys, finished):
    (finished(folder := new_run())/'SHA256SUMS').unlink()
    assert run(evaluate, [str(folder), *FEW]) == 2
    err = capsys.readouterr().err
    assert 'train it anew' in err and 'put it back' not in err
    lines = (folder/'split.csv').read_text().splitlines()
    (folder/'split.csv').write_text('\n'.join([*lines[:5], lines[5].split(',')[0]]))
    assert run(evaluate, [str(folder), *FEW, '--force']) == 2
    err = capsys.readouterr().err
    assert 'the first is blank' in err and 'nan' not in err and err.count('\n') == 1


def test_a_run_is_read_back_as_it_was_written(new_run):
    run = read_run(new_run(name='a-run', n=90))
    assert (run.title, run.synthetic, run.fold, run.doubts) == ('weighted on films', False, None, []) and len(run.cohort) == 90
    positive = run.cohort.query('split == "train"').label.mean()
    np.testing.assert_allclose(run.class_weights(), [.5/(1 - positive), .5/positive])
    run.experiment = replace(run.experiment, class_weights='none')
    assert run.class_weights() is None


def test_of_an_ensemble_the_recipe_has_what_its_networks_differ_in(new_run):
    run = read_run(new_run())
    run.environment['networks'] = [dict(recipe=dict(seed=s, size=32)) for s in (0, 1, 0)]
    assert run.recipe['seed'] == '0, 1' and run.recipe['size'] == run.experiment.size and run.recipe['lr'] == run.experiment.lr


def test_what_is_no_run_says_what_it_lacks_or_is(new_run, tmp_path):
    with pytest.raises(InputError, match='nowhere is no folder'): read_run(tmp_path/'nowhere')
    for name in ('predictions.csv', 'split.csv', 'environment.json'):
        folder = new_run(name)
        (folder/name).unlink()
        with pytest.raises(InputError, match=f'holds no {name}'): read_run(folder)
    (tmp_path/'cv').mkdir()
    (tmp_path/'cv'/'experiment.toml').write_text('folds = 3')
    assert is_cross_validation(tmp_path/'cv') and not is_cross_validation(tmp_path)
    with pytest.raises(InputError, match='is a whole cross-validation'): read_run(tmp_path/'cv')


def test_a_run_beside_a_copy_of_itself_is_refused(new_run):
    runs = [read_run(new_run(name, seed=seed)) for name, seed in (('a', 0), ('b', 1), ('c', 0))]
    check_different(runs[:2])
    with pytest.raises(InputError, match=r'a and .*c have the same predictions'): check_different(runs)


def test_what_was_chosen_is_that_of_the_metrics_and_without_limits_there_are_none():
    now = dict(threshold=dict(value=.7, rule='youden'), calibration=dict(chosen=dict(method='none')))
    assert chosen(now) == dict(threshold=.7, threshold_from='youden', calibrator=dict(method='none'), conformal=None)
    assert chosen(now | dict(uncertainty=dict(conformal=dict(fitted=1))))['conformal'] == 1


def test_a_new_folder_is_never_one_that_exists(tmp_path, monkeypatch):
    class Noon(datetime):
        @classmethod
        def now(cls): return datetime(2026, 1, 2, 12)
    monkeypatch.setattr('pneumo_fastai.runs.folder.datetime', Noon)
    assert [new_folder(tmp_path/'runs', 'e').name for _ in range(3)] == [f'e-20260102-120000{o}' for o in ('', '-2', '-3')]
    (tmp_path/'file').touch()
    with pytest.raises(InputError, match='cannot be made'): new_folder(tmp_path/'file', 'e')
