import os
import subprocess
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import Experiment, differences, folder, load_experiment, toml
from pneumo_fastai.recipe import RETIRED

ROOT = Path(__file__).parents[1]
SHIPPED = sorted(p.stem for p in (ROOT/'experiments').glob('*.toml'))


def test_the_baseline_is_the_published_recipe():
    e = Experiment()
    assert (e.size, e.batch_size, e.lr, e.epochs, e.arch, e.weight_decay, e.class_weights) == (224, 32, 1e-4, 20, 'resnet18', 0, 'none')
    assert load_experiment('baseline') == ('baseline', e)


@pytest.mark.parametrize('path', sorted(folder().glob('*.toml')), ids=lambda p: p.stem)
def test_a_shipped_experiment_states_its_differences_and_nothing_else(path):
    stated = tomllib.loads(path.read_text())
    whole, base = (asdict(load_experiment(o)[1]) for o in (path.stem, stated.pop('base', 'baseline')))
    assert stated == {k: v for k, v in whole.items() if v != base[k]}
    assert path.read_text().startswith('# ')


def test_what_each_experiment_adds():
    augmented, weighted, gradcam = (asdict(load_experiment(o)[1]) for o in ('augmented', 'weighted', 'gradcam'))
    assert all(augmented[o] > 0 for o in ('flip', 'rotate', 'brightness', 'contrast')) and augmented['class_weights'] == 'none'
    assert weighted == augmented | {'class_weights': 'balanced'}
    assert gradcam == weighted | {'gradcam': True}
    assert differences(load_experiment('localise')[1]) == dict(  # spelt out, whatever it is based on
        output_stride=16, epochs=12, lr=3e-4, flip=.5, rotate=10., brightness=.2, contrast=.2, crop=.7, class_weights='balanced',
        box_guidance=1., gradcam=True, gradcam_mirror=True)


def test_a_base_is_a_shipped_name_or_a_file_seen_from_the_one_that_names_it(tmp_path, monkeypatch):
    (tmp_path/'deep').mkdir()
    (tmp_path/'a.toml').write_text('base = "weighted"\nepochs = 3\nlr = 1e-3\n')
    (tmp_path/'deep'/'b.toml').write_text('base = "../a.toml"\nepochs = 5\n')
    monkeypatch.chdir(tmp_path)
    for path in ('deep/b.toml', str(tmp_path/'deep'/'b.toml')):
        assert load_experiment(path, seed=7) == ('b', Experiment(**differences(load_experiment('weighted')[1]), lr=1e-3, epochs=5, seed=7))
    (tmp_path/'c.toml').write_text('base = "baseline"\n')
    assert load_experiment('c.toml')[1] == Experiment()


def test_the_recipe_of_a_run_is_whole_and_has_no_base(tmp_path):
    e = load_experiment('weighted')[1]
    assert tomllib.loads(toml(e)) == asdict(e)


@pytest.mark.parametrize('files, says', [
    ({'x': 'base = "wieghted"'}, ["x.toml: base 'wieghted'", "mean 'weighted'", '.toml file']),
    ({'x': 'base = "no.toml"'}, ['no.toml does not exist', 'weighted']),
    ({'x': 'base = 3'}, ['x.toml', 'base', '3', 'name']),
    ({'x': 'base = "x.toml"'}, ['x.toml', 'own base', 'leave out']),
    ({'x': 'base = "y.toml"', 'y': 'base = "z.toml"', 'z': 'base = "./y.toml"'}, ['own base', 'y.toml, z.toml, y.toml']),
    ({'x': 'base = "y.toml"', 'y': 'epocs = 3'}, ['y.toml', "'epocs'"]),
])
def test_a_wrong_base_gets_one_line(tmp_path, files, says):
    for name, text in files.items(): (tmp_path/f'{name}.toml').write_text(text)
    with pytest.raises(InputError) as e: load_experiment(str(tmp_path/'x.toml'))
    assert '\n' not in str(e.value)
    for word in says: assert word in str(e.value)


def test_toml_round_trip(tmp_path):
    e = Experiment(lr=1e-5, gradcam=True, aspect='crop', weights='runs\\new "ö" \x7f\n')
    (tmp_path/'mine.toml').write_text(toml(e))
    assert load_experiment(str(tmp_path/'mine.toml')) == ('mine', e)


def test_overrides_are_text_and_come_last():
    e = load_experiment('weighted', epochs='1', size='128', lr='3e-4', gradcam=True, batch_size=None)[1]
    assert (e.epochs, e.size, e.lr, e.gradcam, e.batch_size, e.class_weights) == (1, 128, 3e-4, True, 32, 'balanced')


@pytest.mark.parametrize('text, says', [
    ('epocs = 3', ["'epocs'", "mean 'epochs'", 'batch_size', 'weight_decay']),
    ('epochs = "many"', ['epochs', "'many'", 'str', 'a whole number']),
    ('epochs = 2.5', ['epochs', '2.5', 'float', 'a whole number']),
    ('epochs = true', ['epochs', 'True', 'bool', 'a whole number']),
    ('gradcam = 1', ['gradcam', '1', 'int', 'true or false']),
    ('lr = true', ['lr', 'True', 'bool', 'a number']),
    ('lr = nan', ['lr', 'nan', 'above 0']),
    ('aspect = "padd"', ['aspect', "'padd'", 'pad or inner or crop or stretch']),
    ('size = 8', ['size', '8', 'from 32']),
    ('valid = 0.6\ntest = 0.5', ['valid', 'test', 'nothing to train on']),
    ('oversample = "class"\nclass_weights = "balanced"', ['oversample class', 'class_weights', 'set one of them to none']),
    ('epochs =', ['not valid TOML']),
])
def test_a_wrong_file_gets_one_line(tmp_path, text, says):
    (tmp_path/'x.toml').write_text(text)
    with pytest.raises(InputError) as e: load_experiment(str(tmp_path/'x.toml'))
    assert '\n' not in str(e.value)
    for word in says: assert word in str(e.value)


def test_a_misspelt_name_lists_the_experiments_and_trains_nothing_else():
    with pytest.raises(InputError, match=rf"'wieghted'.*mean 'weighted'.*{', '.join(SHIPPED)}"): load_experiment('wieghted')
    with pytest.raises(InputError, match=r'no\.toml does not exist'): load_experiment('no.toml')


@pytest.mark.slow
def test_after_a_plain_install_the_shipped_experiments_are_found_from_any_folder(tmp_path):
    def python(*args):
        env = os.environ | {'PYTHONPATH': str(tmp_path/'site')}
        return subprocess.run([sys.executable, *args], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert python('-m', 'pip', 'install', '--quiet', '--no-deps', '--target', tmp_path/'site', ROOT).returncode == 0
    assert {p.suffix for p in (tmp_path/'site'/'pneumo_fastai'/'experiments').iterdir()} == {'.toml'}  # not the study, 2 MB of it
    code = 'import pneumo_fastai.experiment as e; print(e.__file__); print(*sorted(p.stem for p in e.folder().glob("*.toml")))'
    where, names = python('-c', code).stdout.splitlines()
    assert where.startswith(str(tmp_path)) and names == ' '.join(SHIPPED)
    (tmp_path/'mine.toml').write_text('epochs = "x"\n')
    for name, says in (('wieghted', ', '.join(SHIPPED)), ('mine.toml', 'a whole number')):
        done = python('-m', 'pneumo_fastai.fit', '--exp', name)
        assert done.returncode == 2 and says in done.stderr


@pytest.mark.parametrize('name, off', RETIRED.items())
def test_a_file_of_before_is_read_unless_what_is_no_more_did_something(tmp_path, name, off):
    (file := tmp_path/'old.toml').write_text(f'epochs = 3\n{name} = {off}\n')
    assert load_experiment(str(file))[1] == Experiment(epochs=3)
    file.write_text(f'epochs = 3\n{name} = 0.5\n')
    with pytest.raises(InputError, match=f'{name} is no more'): load_experiment(str(file))
