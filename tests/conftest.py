"Small seeded inputs. Real radiographs lie beside the project, in ../shared/data; tests that need them skip where they are absent."
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

os.environ.setdefault('OMP_NUM_THREADS', '1')  # before NumPy, scikit-learn and torch: on inputs this small threads cost more than they give

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image
from torch import nn

os.environ['MPLBACKEND'] = 'Agg'
SHARED = Path(__file__).parents[2]/'shared'/'data'


@pytest.fixture(scope='session')
def shared():
    if not SHARED.is_dir(): pytest.skip(f'{SHARED} is absent: no real radiographs here')
    return SHARED


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    "Nothing is read from or written to the user's cache."
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.getbasetemp()/'cache'))


class Small(nn.Sequential):
    "Layers of which the last three, from the mean over places on, are the head."
    def features(self, x): return self[:-3](x)
    def head(self, maps): return self[-3:](maps)
    @property
    def last(self): return str(len(self) - 1)


def small_network(norm=True):
    first = nn.Conv2d(1, 8, 5, 4), *[nn.BatchNorm2d(8)] * norm, nn.ReLU()
    return Small(*first, nn.Conv2d(8, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))


def write_films(folder, patients=40, each=2, size=48, seed=0):
    "Class folders of noise; PNEUMONIA has a bright patch. Returns the folder."
    rng = np.random.default_rng(seed)
    for name in ('NORMAL', 'PNEUMONIA'): (folder/name).mkdir(parents=True)
    for patient in range(patients):
        for image in range(each):
            pixels = rng.normal(90, 25, (size, size))
            positive = patient % 3 == 0
            if positive: pixels[10:30, 8:24] += 70
            name = f'person{patient}_bacteria_{image}.png' if positive else f'IM-{patient:04}-{image:04}.png'
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder/('PNEUMONIA' if positive else 'NORMAL')/name)
    return folder


@pytest.fixture(scope='session')
def films(tmp_path_factory): return write_films(tmp_path_factory.mktemp('films')/'films')


@pytest.fixture(scope='session')
def make_films(): return write_films


HOSTILE = '<script>alert("a")</script> & 50%_{x}'


def a_run(folder, seed=0, synthetic=False, name='weighted', data='films', n=300, views=('AP', 'PA')):
    "Returns `folder`, with images of n/3 patients; the test images do not depend on `seed`, the probabilities do."
    folder.mkdir(parents=True)
    i, rng = np.arange(n), np.random.default_rng(seed)
    label = (i//3 % 3 == 0).astype(int)
    split = np.array(['train', 'valid', 'test'])[i//3 % 5 % 3]
    table = pd.DataFrame(dict(path=[f'/films/{k}.dcm' for k in i], label=label, patient=[f'p{k//3}' for k in i], split=split,
                              view=np.array(views, dtype=object)[i//2 % len(views)], age=20. + i % 70, sex=np.where(i//3 % 2, 'F', 'M'),
                              detail=np.where(label, 'Lung Opacity', 'Normal'),
                              boxes=['[[1.0, 2.0, 30.0, 40.0]]' if y else '[]' for y in label]))
    table.to_csv(folder/'split.csv', index=False)
    table = table.assign(probability=1/(1 + np.exp(-rng.normal(3*label - 1.5, 1.5))))
    table.loc[split != 'train', ['path', 'patient', 'split', 'label', 'probability']].to_csv(folder/'predictions.csv', index=False)
    pd.DataFrame(dict(epoch=[0, 1], train_loss=[.7, .5], valid_loss=[.7, .6], auroc=[.6, .8])).to_csv(folder/'history.csv', index=False)
    pd.DataFrame(dict(path=['a.dcm', 'b.dcm'], reason=['cannot be read', HOSTILE])).to_csv(folder/'rejected.csv', index=False)
    (folder/'experiment.toml').write_text('class_weights = "balanced"\n')
    environment = dict(command=f'python -m pneumo_fastai.fit --data {data}', experiment=name, packages=dict(torch='2.14'),
                       data=dict(name=data, layout='RSNA', synthetic=synthetic, notes=['a note']))
    (folder/'environment.json').write_text(json.dumps(environment))
    return folder


def rewrite_predictions(folder, rows):
    "`rows` as the run's predictions.csv, and of valid and test in split.csv the images that they name, as they have them."
    rows.to_csv(folder/'predictions.csv', index=False)
    table, said = pd.read_csv(folder/'split.csv'), rows.set_index('path')
    table = table[(table.split == 'train') | table.path.isin(said.index)].set_index('path', drop=False)
    for column in ('split', 'patient', 'label'): table.loc[said.index, column] = said[column]
    table.to_csv(folder/'split.csv', index=False)


@pytest.fixture(scope='session')
def predict_anew(): return rewrite_predictions


@pytest.fixture(scope='session')
def write_run(): return a_run


@pytest.fixture
def new_run(tmp_path):
    def make(name='run', **options): return a_run(tmp_path/name, **options)
    return make


def a_trained_run(folder, name='weighted', seed=0, hardware=None, training=True, draw=None, n=300, **fields):
    "As `fit` leaves a run of a shipped experiment with these fields, but for model and pictures; `draw`: the seed of its numbers."
    from pneumo_fastai.evaluation.settings import Settings
    from pneumo_fastai.experiment import load_experiment, toml
    from pneumo_fastai.report.written import measure
    from pneumo_fastai.runs.checksums import write_sums
    from pneumo_fastai.runs.folder import read_run
    a_run(folder, seed if draw is None else draw, name=name, n=n)
    (folder/'experiment.toml').write_text(toml(load_experiment(name, seed=seed, **fields)[1]))
    more = dict(device='cpu', processor='a Xeon', threads=1, precision='float32') | (hardware or {})
    if training: more['training'] = dict(seconds=60. + 60*seed, steps_seconds=50., images=1000)
    about = json.loads((folder/'environment.json').read_text())
    (folder/'environment.json').write_text(json.dumps(dict(about, **more, checksums='SHA256SUMS')))
    measure(read_run(folder), Settings(n_boot=2))
    write_sums(folder)
    return folder


@pytest.fixture(scope='session')
def write_trained(): return a_trained_run


def some_folds(folder, synthetic=False, k=3):
    "A cross-validation's folder as fit leaves it, but for the networks; a patient's fold follows from their number."
    folder.mkdir(parents=True)
    (folder/'experiment.toml').write_text(f'class_weights = "balanced"\nfolds = {k}\n')
    for i in range(k):
        fold = a_run(folder/f'fold-{i + 1}', seed=i, synthetic=synthetic, name=f'weighted, fold {i + 1} of {k}')
        table, rng = pd.read_csv(fold/'split.csv'), np.random.default_rng(i)
        patient = table.patient.str[1:].astype(int)
        table['split'] = np.where(patient//3 % k == i, 'test', np.where(patient % 4, 'train', 'valid'))
        table.to_csv(fold/'split.csv', index=False)
        p = 1/(1 + np.exp(-rng.normal(3*table.label - 1.5 + i, 1.5)))  # each network has a scale of its own
        saved = table.assign(probability=p).loc[table.split != 'train', ['path', 'patient', 'split', 'label', 'probability']]
        saved.to_csv(fold/'predictions.csv', index=False)
    return folder


@pytest.fixture(scope='session')
def write_folds(): return some_folds


def walk(value, at=''):
    "Everything in a mapping, with its place."
    yield at, value
    if isinstance(value, (dict, list)):
        for k, v in value.items() if isinstance(value, dict) else enumerate(value): yield from walk(v, f'{at}/{k}')


def is_sound(found):
    """Asserts that all of it is JSON without NaN, that an interval holds its value and has width, that of a difference of what is
    nowhere different excepted, and that a reason stands where there is none; returns it."""
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    for at, value in walk(found):
        assert not isinstance(value, float) or np.isfinite(value), at
        if not isinstance(value, dict) or not {'value', 'low', 'high'} <= set(value): continue
        if None in (value['value'], value['low'], value['high']):
            why = 'not defined, because ' if value['value'] is None else 'no interval, because '
            assert value['low'] is None is value['high'], at
            assert value['reason'] and (at.startswith('/shortcut') or value['reason'].startswith(why)), at
        else: assert value['low'] <= value['value'] <= value['high'] and (value['low'] < value['high'] or 'difference' in at), at
    return found


@pytest.fixture(name='table', scope='session')
def _table():
    "Makes predictions of n images, four a patient, a third with pneumonia; the first half is valid, the other test."
    def table(n=80, seed=0):
        rng = np.random.default_rng(seed)
        y = (np.arange(n)//4 % 3 == 0).astype(int)
        return pd.DataFrame(dict(path=[f'{i}.dcm' for i in range(n)], patient=[f'00{i//4}' for i in range(n)],
                                 split=np.where(np.arange(n) < n//2, 'valid', 'test'), label=y,
                                 probability=1/(1 + np.exp(-rng.normal(2*y - 1)))))
    return table


@pytest.fixture(scope='session')
def sound(): return is_sound


def dot(figure, to, **how): Image.new('L', (1, 1)).save(to, 'png')


@contextmanager
def dots():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, 'savefig', dot)
        yield


@pytest.fixture
def undrawn():
    "Figures are made, but saved as a dot: to draw one takes longer than to measure a run."
    with dots(): yield


@pytest.fixture(scope='session')
def saving_dots():
    "The same as a context manager, for what is made once for many tests."
    return dots


@pytest.fixture(scope='session')
def explainable_once(tmp_path_factory):
    "Makes a run's folder, as below, once for all tests: to copy, not to change."
    made = {}
    def make(seed, boxes, data):
        if (key := (seed, boxes, data)) not in made:
            with dots(): made[key] = explainable_run(tmp_path_factory.mktemp('explainable')/'run', seed, boxes, data)
        return made[key]
    return make


@pytest.fixture
def explainable(films, tmp_path, monkeypatch, explainable_once):
    "Makes a run's folder with a model of random weights and images of 48 x 48; every positive has a box unless `boxes` says no."
    from pneumo_fastai.models import zoo
    monkeypatch.setattr(zoo, 'maker', lambda arch: lambda: small_network(norm=False))
    def make(name='run', seed=0, boxes=True, data=films): return shutil.copytree(explainable_once(seed, boxes, data), tmp_path/name)
    return make


@pytest.fixture
def with_norm(explainable, monkeypatch):
    "Gives the network of such a run a batch norm before all else; returns the run's folder."
    from torch import nn

    from pneumo_fastai.inference.bundle import Bundle, fresh
    from pneumo_fastai.models import zoo
    def change(run):
        before, maker = Bundle.load(run), zoo.maker('resnet18')
        monkeypatch.setattr(zoo, 'maker', lambda arch: lambda: type(net := maker())(nn.BatchNorm2d(1), *net))
        (run/'SHA256SUMS').unlink(missing_ok=True)
        Bundle(fresh(before.recipe).state_dict(), before.recipe, about=before.about).save(run/'model')
        return run
    return change


def explainable_run(folder, seed, boxes, data):
    import torch

    from pneumo_fastai.data.cohort import read_cohort
    from pneumo_fastai.data.prepare import prepare
    from pneumo_fastai.evaluation.settings import Settings
    from pneumo_fastai.experiment import Experiment, toml
    from pneumo_fastai.inference.bundle import Bundle, fresh
    from pneumo_fastai.report.written import remeasure
    folder.mkdir()
    e = Experiment(size=32, seed=seed)
    table = prepare(read_cohort(data), e).table
    table.assign(boxes=['[[8, 10, 16, 20]]' if y and boxes else '[]' for y in table.label]).to_csv(folder/'split.csv', index=False)
    rows = table.loc[table.split != 'train', ['path', 'patient', 'split', 'label']]
    rows.assign(probability=np.random.default_rng(seed).random(len(rows)).round(3)).to_csv(folder/'predictions.csv', index=False)
    (folder/'experiment.toml').write_text(toml(e))
    about = dict(name='films', layout='class folders', synthetic=False, notes=[])
    (folder/'environment.json').write_text(json.dumps(dict(data=about, command='fit', experiment='weighted')))
    torch.manual_seed(seed)
    recipe = dict(arch='resnet18', size=32, aspect='pad', mean=.4, std=.2, threshold=.5, calibrator=dict(method='none'))
    Bundle(fresh(recipe).state_dict(), recipe).save(folder/'model')
    remeasure(folder, Settings(n_boot=5))
    return folder


def predicted_run(folder, data):
    "An explainable run whose predictions are those of its network, which kept the signatures of its images."
    from pneumo_fastai.data import signatures
    from pneumo_fastai.data.cache import open_pixels
    from pneumo_fastai.evaluation.settings import Settings
    from pneumo_fastai.inference.bundle import Bundle
    from pneumo_fastai.report.written import remeasure
    explainable_run(folder, 0, True, data)
    rows, split = (pd.read_csv(folder/f'{name}.csv') for name in ('predictions', 'split'))
    rows.assign(probability=Bundle.load(folder).probability(rows.path)[0]).to_csv(folder/'predictions.csv', index=False)
    pixels = open_pixels(split.path, 32)
    signatures.save(folder/signatures.FILE, signatures.signatures(pixels, list(split.path), 'pad'))
    remeasure(folder, Settings(n_boot=5))
    return folder


@pytest.fixture(scope='session')
def measured_elsewhere(tmp_path_factory, films):
    "(folder of a run, folder of its model's evaluation on 60 drawn radiographs with boxes): to read, not to change."
    from pneumo_fastai.data.demo.phantom import write_demo
    from pneumo_fastai.explain.external import evaluate_on
    from pneumo_fastai.models import zoo
    here = tmp_path_factory.mktemp('elsewhere')
    with pytest.MonkeyPatch.context() as patch, dots():
        patch.setenv('XDG_CACHE_HOME', str(here/'cache'))
        patch.setattr(zoo, 'maker', lambda arch: lambda: small_network(norm=False))
        run = predicted_run(here/'run', films)
        write_demo(here/'drawn', 60, jobs=1)
        evaluate_on(run, here/'drawn', here/'out', 'python -m pneumo_fastai.evaluate RUN --data drawn', n_boot=5)
    return run, here/'out'


@pytest.fixture(scope='session')
def adapted(tmp_path_factory, measured_elsewhere):
    "(folder of that run, folder of its adaptation to 20 of the 44 patients of those radiographs): to read, not to change."
    from pneumo_fastai.inference.adaptation import adapt_to
    from pneumo_fastai.models import zoo
    run = measured_elsewhere[0]
    here = tmp_path_factory.mktemp('adapted')
    with pytest.MonkeyPatch.context() as patch, dots():
        patch.setenv('XDG_CACHE_HOME', str(run.parent/'cache'))
        patch.setattr(zoo, 'maker', lambda arch: lambda: small_network(norm=False))
        adapt_to(run, run.parent/'drawn', 20, here/'out', 'python -m pneumo_fastai.adapt RUN --data drawn', 3, n_boot=5, rule='sensitivity',
                 sensitivity=.95)
    return run, here/'out'


@pytest.fixture(scope='session')
def by_two(tmp_path_factory):
    "Runs two processes by torchrun with these arguments, to the end. For tests marked slow: each start takes seconds."
    where = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
    def by_two(*typed, **how):
        command = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', '2', *map(str, typed)]
        environment = os.environ | dict(PYTHONPATH=os.pathsep.join(where), XDG_CACHE_HOME=str(tmp_path_factory.getbasetemp()/'cache'))
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, **how)
    return by_two


@pytest.fixture(scope='session')
def one_and_two(by_two, films, tmp_path_factory):
    "What `two_processes.py` finds, with one process and with two."
    import torch
    here = tmp_path_factory.mktemp('two')
    done = by_two(Path(__file__).with_name('two_processes.py'), films, here/'cache', here/'out')
    assert done.returncode == 0, done.stderr
    found = torch.load(here/'out', weights_only=True)
    return found['one'], found['two']


@pytest.fixture
def small(monkeypatch):
    "What tests of the loop train in place of ResNet18: the loop is under test, not the network."
    from pneumo_fastai.models import zoo
    monkeypatch.setattr(zoo, 'maker', lambda arch: small_network)


@pytest.fixture(scope='session')
def tiny():
    "An experiment that a test can afford."
    from pneumo_fastai.experiment import Experiment
    return Experiment(size=32, batch_size=16, epochs=2, lr=1e-3, precision='float32')


@pytest.fixture(scope='session')
def cohort(films, tiny, tmp_path_factory):
    from pneumo_fastai.data.cohort import read_cohort
    from pneumo_fastai.data.prepare import prepare
    return prepare(read_cohort(films), tiny, tmp_path_factory.getbasetemp()/'cache')
