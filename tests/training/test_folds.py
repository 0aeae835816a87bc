import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from fastai.learner import load_learner
from rich.console import Console
from rich.progress import Progress
from sklearn.metrics import roc_auc_score

from pneumo_fastai.errors import InputError
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.report import card
from pneumo_fastai.runs.checksums import renewing
from pneumo_fastai.runs.folds import read_folds
from pneumo_fastai.training import folds, run


@pytest.fixture(scope='module')
def quiet(): return Progress(console=Console(quiet=True))


@pytest.fixture
def three(tiny): return replace(tiny, folds=3, epochs=1)


@pytest.fixture(autouse=True)
def no_figures(monkeypatch):
    "Drawing is tested elsewhere."
    monkeypatch.setattr(run, 'draw_images', lambda *a: None)
    monkeypatch.setattr(run, 'present', lambda *a: None)
    monkeypatch.setattr(folds, 'present', lambda *a: None)


def test_three_folds_go_on_after_an_interruption_and_end_as_one_model(three, cohort, quiet, tmp_path, monkeypatch):
    real, begun = run.fit_into, []
    def stop_at_the_second(folder, *args):
        begun.append(folder.name)
        if len(begun) == 2: raise KeyboardInterrupt
        return real(folder, *args)
    monkeypatch.setattr(run, 'fit_into', stop_at_the_second)
    with pytest.raises(KeyboardInterrupt): folds.cross_validate(tmp_path, 'e', three, cohort, 'command', quiet)
    first = (tmp_path/'fold-1'/'predictions.csv').read_bytes()
    result = folds.cross_validate(tmp_path, 'e', three, cohort, 'command', quiet)
    assert begun == ['fold-1.partial', 'fold-2.partial', 'fold-2.partial', 'fold-3.partial']
    assert (tmp_path/'fold-1'/'predictions.csv').read_bytes() == first and not list(tmp_path.glob('*.partial'))
    check_pooled(result, tmp_path, cohort)
    check_ensemble(result, tmp_path, cohort)


def check_pooled(result, folder, cohort):
    "Each image is tested once, by a network that never saw its patient, and measured as in the fold's own metrics.json."
    pooled = pd.read_csv(folder/'out_of_fold.csv')
    assert sorted(pooled.path) == sorted(cohort.table.path) and result['n'] == len(pooled)
    values = [json.loads((folder/f'fold-{k}'/'metrics.json').read_text())['test']['at_threshold']['auroc']['value'] for k in (1, 2, 3)]
    assert result['metrics']['auroc']['by_fold'] == values
    assert result['metrics']['auroc']['pooled']['value'] == pytest.approx(roc_auc_score(pooled.label, pooled.probability))
    for k in (1, 2, 3):
        split = pd.read_csv(folder/f'fold-{k}'/'split.csv')
        assert not set(split.patient[split.split != 'test']) & set(pooled.patient[pooled.fold == k])


def check_ensemble(result, folder, cohort):
    "model/ and learner.pkl give the mean of the folds' probabilities; the threshold is what cv.json says, also after `evaluate`."
    for value in (result['ensemble']['threshold']['value'], .25):
        result['ensemble']['threshold']['value'] = value
        cv = read_folds(folder)
        with renewing(folder): card.renew(cv, card.before(cv), result)
        assert Bundle.load(folder).recipe['threshold'] == value
    assert Bundle.load(folder/'model').recipe['members'] == 3
    assert Bundle.load(folder/'fold-2').recipe['experiment'] == 'e, fold 2 of 3'
    some = list(cohort.table.path[:5])
    each = [Bundle.load(folder/f'fold-{k}').probability(some)[0] for k in (1, 2, 3)]
    np.testing.assert_allclose(Bundle.load(folder).probability(some)[0], np.mean(each, 0), atol=1e-5)
    with pytest.warns(UserWarning, match='insecure pickle'): learn = load_learner(folder/'learner.pkl')
    with learn.no_bar(): p = torch.stack([learn.predict(o)[2][1] for o in some])
    np.testing.assert_allclose(p.numpy(), np.mean(each, 0), atol=1e-4)


def test_another_recipe_is_not_mixed_in(three, cohort, quiet, tmp_path, monkeypatch):
    monkeypatch.setattr(run, 'fit_into', lambda *a: pytest.fail('must not train'))
    folds.check_same(tmp_path, three, cohort)
    with pytest.raises(InputError, match='another recipe'): folds.cross_validate(tmp_path, 'e', replace(three, lr=2e-3), cohort, 'c', quiet)
    fewer = replace(cohort, table=cohort.table.iloc[1:])
    with pytest.raises(InputError, match='another set of images'): folds.cross_validate(tmp_path, 'e', three, fewer, 'c', quiet)


def test_two_processes_do_not_train_one_folder(three, cohort, quiet, tmp_path):
    from filelock import FileLock
    with FileLock(tmp_path/'lock'), pytest.raises(InputError, match='another process'):
        folds.cross_validate(tmp_path, 'e', three, cohort, 'c', quiet)
