"The whole road on a small set: the commands as processes, their files, and the learner in a process that never saw fit."
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pneumo_fastai import cli
from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.data.split import check_disjoint
from pneumo_fastai.fit import fit, working
from pneumo_fastai.predict import predict

SMALL = ['--size', '32', '--batch-size', '16', '--epochs', '2']


def command(name, *args, cwd):
    typed = [sys.executable, '-m', f'pneumo_fastai.{name}', *map(str, args)]
    done = subprocess.run(typed, capture_output=True, text=True, cwd=cwd, check=False)
    assert 'Traceback' not in done.stderr, done.stderr
    return done


@pytest.fixture(scope='module')
def made(films, tmp_path_factory):
    "(folder of the run, what fit printed, where it was typed)."
    here = tmp_path_factory.mktemp('here')
    shutil.copytree(films, here/'films')
    (here/'films'/'NORMAL'/'IM-9999-0001.png').write_bytes(b'broken')
    done = command('fit', '--exp', 'gradcam', '--data', 'films', *SMALL, '--cache', here/'cache', cwd=here)
    assert done.returncode == 0, done.stderr
    run, = (here/'runs').iterdir()
    return run, done.stdout, here


def test_the_run_folder_holds_what_it_says(made):
    run, out, _ = made
    assert run.name.startswith('gradcam-2')
    assert {p.name for p in run.iterdir()} == {
        'experiment.toml', 'environment.json', 'split.csv', 'rejected.csv', 'history.csv', 'predictions.csv', 'metrics.json',
        'report.html', 'calibration.json', 'reliability.png', 'risk_coverage.png',
        'curves.png', 'roc.png', 'precision_recall.png', 'confusion_matrix.png', 'top_losses.png', 'gradcam.png', 'cases.png',
        'gradcam.npz',
        'localization.json', 'mean_maps.png', 'top_losses.html', 'attention.png', 'attention.gif', 'augmented.csv',
        'learner.pkl', 'model', 'signatures.npy', 'state.json', 'lock', 'SHA256SUMS'}
    subprocess.run(['sha256sum', '--quiet', '-c', 'SHA256SUMS'], cwd=run, check=True)
    assert str(run) in out.replace('\n', '') and 'predict' in out and 'AUROC' in out
    environment = json.loads((run/'environment.json').read_text())
    assert environment['packages']['fastai'] and environment['precision'] in ('float32', 'bfloat16')
    assert '--exp gradcam' in environment['command']


def test_a_corrupt_file_is_listed_counted_on_screen_and_trained_without(made):
    run, out, _ = made
    rejected = pd.read_csv(run/'rejected.csv')
    assert [Path(p).name for p in rejected.path] == ['IM-9999-0001.png'] and rejected.reason[0]
    assert 'rejected: 1' in out and 'prevalence' in out and len(pd.read_csv(run/'split.csv')) == 80


def test_augmented_copies_are_of_the_same_images_and_differ_from_each_other(made):
    run, _, _ = made
    predictions, copies = pd.read_csv(run/'predictions.csv'), pd.read_csv(run/'augmented.csv')
    assert copies.path.tolist() == predictions.path.tolist() and copies.split.tolist() == predictions.split.tolist()
    p = copies.filter(like='copy_').to_numpy()
    assert p.shape[1] == 4 and (p.std(1) > 0).mean() > .9 and np.corrcoef(p.mean(1), predictions.probability)[0, 1] > .5


def test_predictions_and_metrics_belong_together(made):
    run, _, _ = made
    split, predictions = pd.read_csv(run/'split.csv'), pd.read_csv(run/'predictions.csv')
    check_disjoint(split)
    both = predictions.merge(split, on='path', suffixes=('', '_of_split'))
    assert len(both) == (split.split != 'train').sum()
    for column in ('patient', 'split', 'label'): assert (both[column] == both[f'{column}_of_split']).all()
    metrics = json.loads((run/'metrics.json').read_text())
    test = predictions[predictions.split == 'test']
    called = test.probability >= metrics['threshold']['value']
    assert metrics['test']['at_threshold']['accuracy']['value'] == pytest.approx((called == test.label).mean())
    assert metrics['test']['n'] == len(test) and not metrics['synthetic']


@pytest.mark.slow
def test_learner_pkl_predicts_the_same_in_a_process_that_never_imports_fit(made):
    run, _, _ = made
    code = f'''
import json, sys, warnings
warnings.simplefilter('ignore')
from fastai.learner import load_learner
learn = load_learner({str(run/'learner.pkl')!r})
with learn.no_bar():
    out = [(p, *map(str, learn.predict(p)[:1]), float(learn.predict(p)[2][1])) for p in json.load(sys.stdin)]
assert 'pneumo_fastai.fit' not in sys.modules
print(json.dumps(out))
'''
    some = pd.read_csv(run/'predictions.csv').sample(6, random_state=0)
    done = subprocess.run([sys.executable, '-c', code], input=json.dumps(list(some.path)), capture_output=True, text=True, cwd='/',
                          check=False)
    assert done.returncode == 0, done.stderr
    for (path, name, p), row in zip(json.loads(done.stdout.splitlines()[-1]), some.itertuples(), strict=True):
        assert path == row.path and abs(p - row.probability) < 1e-4 and name == ('pneumonia' if p > 0.5 else 'no pneumonia')
    stored = (run/'learner.pkl').read_bytes()
    assert not any(Path(p).name.encode() in stored for p in pd.read_csv(run/'split.csv').path)  # no file of a patient travels with it


def test_predict_gives_what_predictions_csv_has(made, monkeypatch, capsys):
    run, _, here = made
    monkeypatch.chdir(here)
    argv = [str(run), str(here/'films'), '--out', 'p.csv']
    assert cli.run(predict, argv) == 3 and 'rejected: 1 of 81' in capsys.readouterr().out
    both = pd.read_csv(here/'p.csv').merge(pd.read_csv(run/'predictions.csv'), on='path')
    assert len(both) == len(pd.read_csv(run/'predictions.csv')) and both.warnings.isna().all()
    np.testing.assert_allclose(both.probability_x, both.probability_y, atol=1e-4)
    assert cli.run(predict, argv) == 2 and 'p.csv exists' in capsys.readouterr().err


def test_a_black_image_is_unlike_those_that_the_run_was_trained_on(made, tmp_path, capsys):
    Image.new('L', (48, 48)).save(tmp_path/'black.png')
    assert cli.run(predict, [str(made[0]), str(tmp_path/'black.png'), '--out', str(tmp_path/'black.csv')]) == 0
    assert 'warning: 1 of 1 images' in capsys.readouterr().out
    assert pd.read_csv(tmp_path/'black.csv').warnings[0].startswith('grey levels unlike those of training: mean 0.0')


@pytest.mark.slow
def test_the_same_command_twice_gives_the_same_numbers_in_another_folder(made):
    run, _, here = made
    done = command('fit', '--exp', 'gradcam', '--data', 'films', *SMALL, '--cache', here/'cache', '--out', 'again', cwd=here)
    assert done.returncode == 0
    second, = (here/'again').iterdir()
    assert (second/'predictions.csv').read_text() == (run/'predictions.csv').read_text()
    assert (second/'history.csv').read_text() == (run/'history.csv').read_text()


def tree(here, kind):
    "A folder of bad input and what the one line about it has to say."
    folder = here/kind
    folder.mkdir()
    if kind == 'empty': return folder, ['empty']
    if kind == 'no images':
        for o in ('NORMAL', 'PNEUMONIA'): (folder/o).mkdir()
        return folder, ['no image']
    if kind == 'unreadable':
        for o in ('NORMAL', 'PNEUMONIA'):
            (folder/o).mkdir()
            for i in range(5): (folder/o/f'{i}.png').write_bytes(b'no')
        return folder, ['none of the 10 images can be read']
    if kind == 'columns':
        (folder/'stage_2_train_images').mkdir()
        (folder/'stage_2_train_labels.csv').write_text('patientId,x,y\na,1,2\n')
        return folder, ['Target']
    return None


@pytest.mark.parametrize('kind', ['empty', 'no images', 'unreadable', 'columns'])
def test_bad_input_gets_one_line_and_status_2(tmp_path, monkeypatch, capsys, kind):
    folder, says = tree(tmp_path, kind)
    monkeypatch.chdir(tmp_path)
    assert cli.run(fit, ['--data', str(folder), '--cache', str(tmp_path/'cache')]) == 2
    err = capsys.readouterr().err
    assert err.startswith('error: ') and err.count('\n') == 1
    for word in says: assert word in err
    assert not (tmp_path/'runs').exists()


def test_one_class_and_too_few_patients(films, tmp_path, capsys):
    argv = ['--data', str(shutil.copytree(films, tmp_path/'films')), '--cache', str(tmp_path/'cache')]
    for p in sorted((tmp_path/'films').rglob('*.png')):
        if 'person0_' not in p.name and 'IM-0001' not in p.name: p.unlink()
    assert cli.run(fit, argv) == 2
    err = capsys.readouterr().err
    assert 'too few' in err and err.count('\n') == 1
    shutil.rmtree(tmp_path/'films'/'PNEUMONIA')
    assert cli.run(fit, argv) == 2
    err = capsys.readouterr().err
    assert 'pneumonia' in err and err.count('\n') == 1


def test_what_is_wrong_with_the_data_is_said_before_fastai_is_loaded(tmp_path):
    code = (f'import sys; from pneumo_fastai.cli import run; from pneumo_fastai.fit import fit; '
            f'assert run(fit, ["--data", {str(tmp_path / "none")!r}]) == 2; assert not {{"torch", "fastai"}} & set(sys.modules)')
    subprocess.run([sys.executable, '-c', code], check=True, capture_output=True)


@pytest.mark.slow
def test_the_demo_set_is_hard_enough_and_never_called_real(tmp_path, monkeypatch):
    place = Path(os.environ.get('README_RAN_IN', tmp_path))  # .ci/run ran README's command already: 20 epochs are spared
    if place == tmp_path:
        monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path/'cache'))
        monkeypatch.delenv('OMP_NUM_THREADS')  # as a user has it, on all cores
        done = command('fit', '--exp', 'weighted', cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        (place/'screen').write_text(done.stdout)
    run, = (place/'runs').iterdir()
    history = pd.read_csv(run/'history.csv')
    assert len(history) == 20 and 0.85 <= history.auroc.max() <= 0.99
    assert json.loads((run/'metrics.json').read_text())['synthetic'] is True
    assert (place/'screen').read_text().count('synthetic') >= 2  # over the cohort and over the metrics
    report = (run/'report.html').read_text()
    assert report.count('synthetic data') > 20
    film = pd.read_csv(run/'split.csv').path[0]
    assert 'synthetic' in command('predict', run, film, cwd=tmp_path).stdout


def test_names_are_no_markup_of_the_terminal(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path/'a[red]b.toml').write_text('gradcam_layers = "[/x]"')
    monkeypatch.setattr('pneumo_fastai.fit.check_network', lambda experiment: None)
    assert cli.run(fit, ['--exp', 'a[red]b.toml', '--data', 'nowhere']) == 2
    out, err = capsys.readouterr()
    assert 'experiment a[red]b: ' in out and '[/x]' in out and 'nowhere' in err


def test_where_the_images_are_is_kept_as_it_was_typed(films, tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path/'link').symlink_to(films)
    (tmp_path/'run').mkdir()
    for typed in (str(tmp_path/'link'), '~/link'):
        with working(tmp_path/'run', 'weighted', typed, None): pass
        kept = json.loads((tmp_path/'run'/'state.json').read_text())
        assert kept['data'] == str(tmp_path/'link')
        assert read_cohort(kept['data']).table.path[0] == read_cohort(typed).table.path[0]  # which a run that goes on has to have again
