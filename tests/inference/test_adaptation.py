import json
import shutil

import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation.calibrators import apply
from pneumo_fastai.explain.external import evaluate_on
from pneumo_fastai.inference.adaptation import adapt_to
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.inference.export import export_again
from pneumo_fastai.runs import facts
from pneumo_fastai.runs.checksums import altered
from pneumo_fastai.runs.files import sha256
from pneumo_fastai.runs.folder import read_run

FEW = dict(draws=1, n_boot=5)


def said(folder): return json.loads((folder/'metrics.json').read_text())


def test_predict_uses_the_new_threshold_and_calibrator(adapted, explainable):
    run, folder = adapted
    rows, metrics = pd.read_csv(folder/'predictions.csv'), said(folder)
    frame = Bundle.load(folder).table(list(rows.path))
    at, calibrator = metrics['threshold']['value'], metrics['calibration']['chosen']
    assert (at, calibrator) != (said(run)['threshold']['value'], said(run)['calibration']['chosen'])
    np.testing.assert_allclose(frame.probability, rows.probability, atol=1e-6)
    np.testing.assert_allclose(frame.calibrated, apply(calibrator, frame.probability))
    valid = (rows.split == 'valid') & (rows.label == 1)
    called = frame.prediction == 'pneumonia'
    assert called[valid].mean() >= .95 and metrics['threshold']['rule'] == 'sensitivity of at least 0.95 on 20 patients of drawn'
    np.testing.assert_array_equal(called[rows.label == 1][rows.split == 'test'].mean(), metrics['test']['at_threshold']['recall']['value'])


def test_the_network_is_the_runs_and_the_model_says_from_where_it_is(adapted, explainable):
    run, folder = adapted
    a, b = (facts.read(o/facts.FOLDER) for o in adapted)
    assert a['files'][facts.WEIGHTS] == b['files'][facts.WEIGHTS] and 'adapted' not in a
    told = b['adapted']
    assert told | dict(run='weighted', weights_sha256=sha256(run/'model'/facts.WEIGHTS), data='drawn', patients=20) == told
    assert told['before']['threshold'] == a['decision']['threshold'] and told['cohort']['valid']['patients'] == 20
    assert b['source']['synthetic'] and 'Adapted to 20 patients' in (folder/'model'/facts.CARD).read_text()
    assert 'Adapted to' not in (run/'model'/facts.CARD).read_text()


def test_the_folder_is_a_whole_run_whose_drawn_patients_are_in_valid_alone(adapted):
    found = read_run(adapted[1])
    patients = {s: set(found.predictions.patient[found.predictions.split == s]) for s in found.splits}
    assert found.splits == ('valid', 'test') and len(patients['valid']) == 20 and not patients['valid'] & patients['test']
    assert len(patients['valid'] | patients['test']) == 44 and not altered(adapted[1]) and found.kind == 'adapted'
    assert found.title == 'weighted on films, adapted to drawn' and found.source == 'films'


def test_export_writes_the_same_model_again(adapted, explainable, tmp_path):
    folder = shutil.copytree(adapted[1], tmp_path/'again')
    before = facts.read(folder/facts.FOLDER)
    export_again(folder)
    after = facts.read(folder/facts.FOLDER)
    same = 'decision', 'adapted', 'training', 'metrics', 'reading'
    assert {k: after[k] for k in same} == {k: before[k] for k in same} and not altered(folder)
    assert after['source'] == dict(experiment='weighted', data='films', synthetic=True)  # what the network learnt from


def test_it_is_no_run_to_go_on_from_for_it_does_not_have_what_the_network_has_seen(adapted, films, tmp_path):
    for what in (lambda: adapt_to(adapted[1], films, 20, tmp_path/'out', 'adapt', **FEW),
                 lambda: evaluate_on(adapted[1], films, tmp_path/'out', 'evaluate', n_boot=5)):
        with pytest.raises(InputError, match='is itself adapted from another; give the run whose model it is'): what()


def test_too_few_unseen_patients_are_told_before_anything_is_predicted(adapted, explainable, films, tmp_path, monkeypatch):
    monkeypatch.setattr(Bundle, 'of_pixels', None)
    run, drawn = adapted[0], adapted[0].parent/'drawn'
    with pytest.raises(InputError, match=r'drawn has 44 patients .* too few for 40 .* give --patients 22, or more patients'):
        adapt_to(run, drawn, 40, tmp_path/'out', 'adapt', **FEW)
    with pytest.raises(InputError, match=r'patients with(out)? pneumonia that the model has not seen; give 10'):
        adapt_to(run, films, 20, tmp_path/'out', 'adapt', **FEW)
    assert not (tmp_path/'out').exists()


def test_with_norms_the_model_that_is_kept_has_those_of_the_images_in_valid(adapted, with_norm, tmp_path, undrawn):
    run = with_norm(shutil.copytree(adapted[0], tmp_path/'run'))
    found, _ = adapt_to(run, adapted[0].parent/'drawn', 20, tmp_path/'out', 'adapt', norms=True, **FEW)
    made, rows = Bundle.load(found.folder), found.predictions
    x = made.normalised(np.stack([made.pixels(path) for path in rows.path[rows.split == 'valid']]))
    assert made.model[0].running_mean.item() == pytest.approx(x.mean().item(), rel=1e-4)
    np.testing.assert_allclose(made.probability(rows.path)[0], rows.probability, atol=1e-6)
    assert abs(Bundle.load(run).probability(rows.path)[0] - rows.probability).max() > 1e-4
    assert found.of['norms'] == 20 and 'of 20 patients here' in found.data['notes'][-1]
    words = 'mean and variance of the first half of its batch norms'
    assert words in (found.folder/'model'/facts.CARD).read_text() and words in ' '.join((found.folder/'report.html').read_text().split())


def test_an_ensemble_is_adapted_too(adapted, explainable, tmp_path, undrawn):
    "Whose networks are two of one and the same here."
    from pneumo_fastai.inference.bundle import joined
    run = shutil.copytree(adapted[0], tmp_path/'run')
    bundle = Bundle.load(run)
    recipe = bundle.recipe | dict(members=2)
    shutil.rmtree(run/'model')
    (run/'SHA256SUMS').unlink(missing_ok=True)
    Bundle(joined([bundle, bundle]).state_dict(), recipe, about=bundle.about).save(run/'model')
    found, _ = adapt_to(run, adapted[0].parent/'drawn', 20, tmp_path/'out', 'adapt', **FEW)
    again = Bundle.load(found.folder)
    assert again.n == 2 and {'members', 'threshold'} <= set(again.recipe)
    assert 'disagreement' in again.table(list(found.predictions.path[:2]))
