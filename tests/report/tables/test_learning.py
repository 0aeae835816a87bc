import json

import pandas as pd
import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.data.split import share_of_train
from pneumo_fastai.evaluate import evaluate
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.experiment import Experiment, toml
from pneumo_fastai.grid import grid
from pneumo_fastai.report.tables import learning
from pneumo_fastai.runs.folder import GRID
from pneumo_fastai.runs.sweeps import grid_text, read_sweep

GAIN = {.2: .5, .25: 1., .5: 1.5, 1.: 2.}


def sweep(folder, write_member, words):
    "Each training with its own share of the patients, the better the more it has; better on test than on valid."
    folder.mkdir()
    made = grid('e', Experiment(), words)
    (folder/'experiment.toml').write_text(toml(made.base))
    (folder/GRID).write_text(grid_text(made))
    for m in made.members:
        e, gain = m.experiment, GAIN[m.experiment.fraction]
        write_member(folder/m.name, e, (gain, gain + .4), e.seed)
        share_of_train(pd.read_csv(folder/m.name/'split.csv'), e.fraction, str(e.seed)).to_csv(folder/m.name/'split.csv', index=False)
    return folder


@pytest.fixture(scope='module')
def made(tmp_path_factory, write_member):
    return sweep(tmp_path_factory.mktemp('learning')/'s', write_member, ['fraction=0.2,0.25,0.5,1', 'seed=0,1'])


def test_the_curve_is_in_the_sweeps_files_and_test_is_hidden_until_it_is_revealed(made, capsys, undrawn):
    assert run(evaluate, [str(made), '--n-boot', '30']) == 0
    screen, page = ' '.join(capsys.readouterr().out.split()), (made/'report.html').read_text()
    curve, = json.loads((made/'sweep.json').read_text())['curves']
    trained = [pd.read_csv(made/f'fraction={f},seed=0'/'split.csv').query('split == "train"').patient.nunique() for f in (.2, .25, .5, 1.)]
    assert [p['patients'] for p in curve['valid']['points']] == trained and curve['test'] is None
    assert [k['share'] for k in curve['valid']['checks']] == [3] and (made/'learning_curve.png').exists()
    for said in ('Learning curve', '10 times as many', 'Made from the smaller shares alone, the forecast for share 1 was'):
        assert said in page and said in screen
    assert '(revealed)' not in page
    assert run(evaluate, [str(made), '--n-boot', '30', '--reveal']) == 0
    shown, = json.loads((made/'sweep.json').read_text())['curves']
    assert shown['valid'] == curve['valid'] and shown['test']['points'][0]['mean'] > curve['valid']['points'][0]['mean']
    assert 'test (revealed): share 0.2' in (made/'report.html').read_text()


def test_settings_of_other_fields_have_a_curve_each_and_two_shares_no_law(tmp_path, write_member):
    found = learning.curves(read_sweep(sweep(tmp_path/'s', write_member, ['lr=1e-4,1e-3', 'fraction=0.25,1'])), Settings(n_boot=5))
    assert [c['setting'] for c in found] == ['lr=0.0001', 'lr=0.001'] and not found[0]['valid']['line']
    words = learning.words(dict(curves=found))
    assert words[0].startswith('Learning curve of lr=0.0001: on valid, AUROC ') and 'No power law can be fitted' in words[1]
    assert len(learning.table(dict(curves=found))[1]) == 4


def test_a_sweep_over_other_fields_has_no_curve(tmp_path, write_member):
    read = read_sweep(sweep(tmp_path/'s', write_member, ['lr=1e-4,1e-3']))
    assert learning.curves(read, Settings()) == [] and learning.words({}) == []
