"What `fit` does with a trained network, and how often."
import json
from dataclasses import replace

import pytest
from rich.console import Console
from rich.progress import Progress

from pneumo_fastai.data.counts import balanced_weights
from pneumo_fastai.explain.maps import Maps
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.report.figures import style
from pneumo_fastai.runs import folder as runs
from pneumo_fastai.training import run as runner
from pneumo_fastai.training.learner import get_learner
from pneumo_fastai.training.loaders import get_dls


@pytest.mark.parametrize('gradcam', [False, True])
def test_the_predictions_are_read_once_and_each_picture_is_drawn_once(cohort, tiny, tmp_path, monkeypatch, undrawn, gradcam):
    read, drawn, readers = [], [], (runs.read_predictions, style.save)
    monkeypatch.setattr(runs, 'read_predictions', lambda path, *splits: read.append(path.name) or readers[0](path, *splits))
    monkeypatch.setattr(style, 'save', lambda fig, path, **how: drawn.append(path.name.split('-')[-1]) or readers[1](fig, path, **how))
    experiment = replace(tiny, epochs=1, gradcam=gradcam)
    learn = runner.fit_into(tmp_path, experiment, cohort, 'command', Progress(console=Console(quiet=True)), 'e')
    runner.finish(learn, tmp_path, experiment)
    recipe = Bundle.load(tmp_path).recipe
    assert recipe['heat']['method'] == 'gradcam' and len(recipe['heat']['tops']) == 1 and json.loads(json.dumps(recipe)) == recipe
    if gradcam: assert recipe['heat']['tops'] == pytest.approx(Maps.load(tmp_path/'gradcam.npz').tops, rel=1e-4)  # one scale for all
    assert read == ['predictions.csv'] and len(drawn) == len(set(drawn)) and {'gradcam.png', 'top_losses.png'} < set(drawn)


def test_the_loss_and_the_report_of_a_run_have_the_same_weights(tiny, cohort, new_run):
    run = runs.read_run(new_run())
    run.cohort = cohort.table
    for how in ('balanced', 'effective'):
        run.experiment = replace(tiny, class_weights=how)
        assert get_learner(run.experiment, get_dls(run.experiment, cohort)).loss_func.weight.tolist() == pytest.approx(run.class_weights())
    labels = cohort.table.label[cohort.table.split == 'train']
    run.experiment = replace(tiny, oversample='class')
    assert get_learner(run.experiment, get_dls(run.experiment, cohort)).loss_func.weight is None
    assert run.class_weights() == pytest.approx(balanced_weights(labels))
    run.experiment = tiny
    assert run.class_weights() is None
