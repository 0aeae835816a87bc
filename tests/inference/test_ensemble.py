import json
from hashlib import sha256
from shutil import copytree, rmtree

import numpy as np
import pandas as pd
import pytest
import torch

from pneumo_fastai.cli import run
from pneumo_fastai.ensemble import ensemble
from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation.uncertainty import mutual_information
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.inference.ensemble import check_alike, combine
from pneumo_fastai.models import zoo
from pneumo_fastai.predict import predict
from pneumo_fastai.runs.folder import read_run

pytestmark = pytest.mark.usefixtures('small', 'undrawn')


def trained(folder, write_run, seed, **recipe):
    "A run with predictions and a network, neither of which knows of the other."
    write_run(folder, seed=seed)
    (folder/'experiment.toml').write_text(f'class_weights = "balanced"\nsize = 32\nseed = {seed}\n')
    torch.manual_seed(seed)
    facts = dict(arch='resnet18', size=32, aspect='pad', any_view=False, mean=.4 + seed/10, std=.2 + seed/20, threshold=.5,
                 threshold_from='youden on valid', calibrator=dict(method='none'), experiment='weighted', data='films', synthetic=False)
    net = zoo.build('resnet18')
    net[-1].weight.data *= 20  # so that two networks disagree
    Bundle(net.state_dict(), facts | recipe).save(folder/'model')
    return folder


@pytest.fixture
def two(tmp_path, write_run): return [trained(tmp_path/name, write_run, seed) for seed, name in enumerate(('first', 'second'))]


def probabilities(folder): return pd.read_csv(folder/'predictions.csv').set_index('path').probability


def test_the_ensemble_is_a_run_of_its_own(two, tmp_path, films, capsys):
    before = {p: p.read_bytes() for folder in two for p in folder.rglob('*') if p.is_file()}
    rows = pd.read_csv(two[1]/'predictions.csv')
    rows.sample(frac=1, random_state=0).to_csv(two[1]/'predictions.csv', index=False)  # the order of the file does not matter
    before[two[1]/'predictions.csv'] = (two[1]/'predictions.csv').read_bytes()
    assert run(ensemble, [*map(str, two), '--out', str(tmp_path/'runs')]) == 0
    screen = ' '.join(capsys.readouterr().out.split())
    assert 'mean over 2 networks' in screen and 'ensemble of 2 networks (weighted)' in screen
    made, = (tmp_path/'runs').iterdir()
    assert made.name.startswith('ensemble-2') and {p: p.read_bytes() for folder in two for p in folder.rglob('*') if p.is_file()} == before
    assert {'predictions.csv', 'members.csv', 'split.csv', 'rejected.csv', 'experiment.toml', 'environment.json', 'model',
            'metrics.json', 'calibration.json', 'roc.png', 'report.html'} <= {p.name for p in made.iterdir()}
    pd.testing.assert_series_equal(probabilities(made), (probabilities(two[0]) + probabilities(two[1]))/2, check_like=True, atol=1e-7)
    check_words(made, two)
    check_predict(made, two, films, capsys, tmp_path)
    assert run(ensemble, [str(made), str(two[0]), '--out', str(tmp_path/'runs')]) == 2
    assert 'is an ensemble itself' in capsys.readouterr().err and len(list((tmp_path/'runs').iterdir())) == 1


def check_words(made, two):
    "What it is made of, in environment.json and on the page; threshold and calibration are of the mean, on valid."
    environment = json.loads((made/'environment.json').read_text())
    assert [n['sha256'] for n in environment['networks']] == [sha256((f/'model/weights.safetensors').read_bytes()).hexdigest() for f in two]
    assert [n['seed'] for n in environment['networks']] == [0, 1] and environment['data']['name'] == 'films'
    saved, metrics = read_run(made), json.loads((made/'metrics.json').read_text())
    assert saved.recipe['seed'] == '0, 1' and saved.recipe['size'] == 32
    assert metrics['uncertainty']['ensemble']['members'] == 2 and metrics['threshold']['rule'] == 'youden on valid'
    assert metrics['calibration']['log_loss'].keys() >= {'prior_shift'}  # the class weights of both are known
    page = (made/'report.html').read_text()
    assert 'no ensemble' not in page and 'An ensemble of 2 networks' in page and 'they differ in seed' in page
    assert all(n['sha256'] in page for n in environment['networks'])


def check_predict(made, two, films, capsys, here):
    "model/ gives the mean of the two, each with its own normalisation, and how far they differ."
    some = [*sorted(str(p) for p in films.rglob('*.png'))[:4], str(here/'broken.png')]
    (here/'broken.png').write_bytes(b'no')
    bundle = Bundle.load(made)
    each, table = np.stack([Bundle.load(f).probability(some)[0] for f in two]), bundle.table(some)
    np.testing.assert_allclose(table.probability, each.mean(0), atol=1e-6)
    np.testing.assert_allclose(bundle.probabilities(some)[0], each, atol=1e-6)
    np.testing.assert_allclose(table.disagreement[:4], mutual_information(each[:, :4]), atol=1e-5)
    assert table.disagreement[:4].max() > 1e-3 and np.isnan(table.disagreement[4]) and table.reason[4]
    assert 'disagreement' not in Bundle.load(two[0]).table(some)
    capsys.readouterr()
    assert run(predict, [str(made), str(films/'NORMAL'), '--out', str(here/'p.csv')]) == 0
    screen = ' '.join(capsys.readouterr().out.split())
    assert 'how far the 2 networks differ on the image (mutual information in nats' in screen and 'nine in ten images of valid' in screen
    assert pd.read_csv(here/'p.csv').disagreement.between(0, np.log(2)).all()


def spoiled(folder, column, value):
    "Another value for the images of test, in both tables of the run."
    for name in ('split.csv', 'predictions.csv'):
        table = pd.read_csv(folder/name, dtype=str)
        moved = table.index[table.split == 'test'][1:] if column == 'split' else table.index[table.split == 'test']
        table.loc[moved, column] = value
        table.to_csv(folder/name, index=False)


@pytest.mark.parametrize('spoil, says', [
    (lambda f: spoiled(f, 'split', 'valid'), "images with another split, one is '/films/"),
    (lambda f: spoiled(f, 'patient', 'x'), 'images with another patient'),
    (lambda f: spoiled(f, 'label', '1'), 'images with another label'),
    (lambda f: pd.read_csv(f/'split.csv').iloc[1:].to_csv(f/'split.csv', index=False), 'differ in 1 images'),
    (lambda f: (f/'experiment.toml').write_text('size = 64\nclass_weights = "balanced"\n'), 'size is 32 in'),
    (lambda f: (f/'experiment.toml').write_text('size = 32\nclass_weights = "balanced"\ngrey = "clahe"\n'), 'grey is windowed in'),
    (lambda f: (f/'experiment.toml').write_text('size = 32\n'), 'class_weights is balanced in'),
    (lambda f: copytree(f.parent/'first/model', f/'model', dirs_exist_ok=True), 'hold the same network'),
    (lambda f: rmtree(f/'model'), 'holds no model/model.json'),
])
def test_runs_that_do_not_go_together(two, tmp_path, spoil, says):
    spoil(two[1])
    with pytest.raises(InputError) as e: combine(two, tmp_path/'runs', 'command')
    assert says in str(e.value) and '\n' not in str(e.value) and not (tmp_path/'runs').exists()


def test_the_model_of_another_run_on_other_images_is_none(adapted, tmp_path):
    run, there = adapted[:2]
    with pytest.raises(InputError, match=f'is the model of {run.resolve()} on other images; give that run'):
        combine([there, there], tmp_path/'runs', 'command')


def test_one_run_is_no_ensemble():
    with pytest.raises(InputError, match='two or more'): check_alike([None], [None])


def test_the_ensemble_has_the_references_of_both_and_no_scale_of_heat(two, tmp_path):
    for i, folder in enumerate(two):
        bundle = Bundle.load(folder)
        bundle.references = dict(features_1=np.eye(8, dtype=np.float16), labels_1=np.full(8, i, np.int8))
        bundle.recipe |= dict(features=dict(k=2, limits=[.1 + i]), heat=dict(method='gradcam', layers=None, mirror=False, tops=[1.]))
        bundle.save(folder/'model')
    assert run(ensemble, [*map(str, two), '--out', str(tmp_path/'runs')]) == 0
    made = Bundle.load(next((tmp_path/'runs').iterdir()))
    assert made.recipe['features'] == dict(k=2, limits=[.1, 1.1]) and made.recipe['heat'] is None and made.recipe['members'] == 2
    assert [made.references[f'labels_{i}'][0] for i in (1, 2)] == [0, 1] and len(made.references) == 4
