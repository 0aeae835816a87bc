import json
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.evaluate import evaluate
from pneumo_fastai.evaluation.calibrators import apply

FEW = ['--n-boot', '20']


@pytest.fixture(scope='module')
def three(tmp_path_factory, write_run):
    "Two runs on one test set and one, synthetic, on another."
    here = tmp_path_factory.mktemp('runs')
    return [str(write_run(here/'first', 0)), str(write_run(here/'second_a&b', 1)), str(write_run(here/'third', 2, n=240, synthetic=True))]


def contents(folder): return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.mark.slow
def test_numbers_alone_and_the_same_twice(tmp_path, write_run):
    folder = write_run(tmp_path/'run')
    code = f'''import sys, pneumo_fastai.cli as cli; from pneumo_fastai.evaluate import evaluate
assert cli.run(evaluate, [{str(folder)!r}, '--n-boot', '20']) == 0
print('loaded:', [o for o in ('torch', 'fastai', 'torchvision', 'pydicom') if o in sys.modules])'''
    first = subprocess.run([sys.executable, '-W', 'error', '-c', code], capture_output=True, text=True, check=False)
    assert first.returncode == 0 and 'loaded: []' in first.stdout and 'report.html' in first.stdout, first.stderr
    before = contents(folder)
    assert {'metrics.json', 'calibration.json', 'report.html', 'reliability.png', 'risk_coverage.png', 'subgroups.png',
            'roc.png', 'precision_recall.png', 'confusion_matrix.png', 'curves.png'} < set(before)
    assert run(evaluate, [str(folder), *FEW]) == 0
    assert contents(folder) == before


def test_calibration_json_is_all_that_is_needed_to_apply_it(tmp_path, write_run, undrawn):
    folder = write_run(tmp_path/'run')
    assert run(evaluate, [str(folder), *FEW]) == 0
    calibrator = json.loads((folder/'calibration.json').read_text())
    p = pd.read_csv(folder/'predictions.csv').probability
    assert ((0 <= apply(calibrator, p)) & (apply(calibrator, p) <= 1)).all()
    metrics = json.loads((folder/'metrics.json').read_text())
    assert metrics['calibration']['chosen'] == calibrator and 'prior_shift' in metrics['calibration']['log_loss']


def test_options_reach_the_numbers(tmp_path, write_run, undrawn):
    folder = write_run(tmp_path/'run')
    assert run(evaluate, [str(folder), *FEW, '--operating-point', 'sensitivity=0.95', '--prevalence', '0.05', '--error', '0.2',
                          '--seed', '3']) == 0
    choices = json.loads((folder/'metrics.json').read_text())['choices']
    assert choices | dict(n_boot=20, seed=3, rule='sensitivity', sensitivity=.95, prevalence=.05, error_rate=.2) == choices
    page = (folder/'report.html').read_text()
    assert '--operating-point sensitivity=0.95 --error 0.2 --n-boot 20 --seed 3 --prevalence 0.05' in page and '5.0% of the images' in page


def test_several_runs_are_one_table_on_the_screen_and_in_three_files(three, tmp_path, capsys):
    assert run(evaluate, [*three, *FEW, '--out', str(tmp_path/'table')]) == 0
    screen = ' '.join(capsys.readouterr().out.split())
    assert 'no difference from A, the test sets differ' in screen and 'DeLong p (AUROC)' in screen and 'synthetic' in screen.lower()
    assert {p.name for p in tmp_path.iterdir()} == {'table.csv', 'table.tex', 'table.md'} and 'table.csv' in screen


def test_a_cross_validation_is_not_compared_as_a_whole(tmp_path, write_folds, capsys):
    folder = write_folds(tmp_path/'cv')
    assert run(evaluate, [str(folder), str(folder)]) == 2
    err = capsys.readouterr().err
    assert err.count('\n') == 1 and f'give its folds, such as {folder}/fold-1, or single runs' in err


@pytest.mark.parametrize('argv, says', [
    (['nowhere'], 'nowhere is no folder'), (['.'], 'holds no predictions.csv'), (['.', '--n-boot', '0'], 'n-boot is 0'),
    (['.', '--operating-point', 'best'], "got 'best'"), (['.', '--operating-point', 'cost=x'], "got 'cost=x'"),
    (['.', '--prevalence', '2'], 'prevalence is 2'), (['.', '--error', '0'], 'error rate is 0'), ([], 'runs'),
])
def test_bad_input_gets_one_line_and_status_2(tmp_path, monkeypatch, capsys, argv, says):
    monkeypatch.chdir(tmp_path)
    assert run(evaluate, argv) == 2
    err = capsys.readouterr().err
    assert err.startswith('error: ') and err.count('\n') == 1 and says in err


def test_a_run_that_is_broken_or_says_too_little(tmp_path, capsys, three, write_run):
    folder = write_run(tmp_path/'run')
    (folder/'environment.json').write_text('{}')
    assert run(evaluate, [str(folder)]) == 2 and 'what the data are' in capsys.readouterr().err
    (folder/'environment.json').write_text('{')
    assert run(evaluate, [str(folder)]) == 2 and 'is no JSON' in capsys.readouterr().err
    (tmp_path/'c.csv').touch()
    assert run(evaluate, [*three, '--out', str(tmp_path/'c')]) == 2 and 'c.csv exists' in capsys.readouterr().err


@pytest.mark.parametrize('argv, says', [
    (['a', 'b', '--data', 'films'], '--data measures one run, 2 are given'), (['a', '--cache', 'x'], '--cache is for --data'),
    (['a', '--precision', 'bfloat16'], '--precision is for --data'), (['a', '--norms', '128'], '--norms is for --data'),
    (['a', '--data', 'films', '--operating-point', 'sensitivity=0.9'], 'evaluate the run with them first'),
    (['a', '--data', 'films', '--error', '0.2'], 'evaluate the run with them first'),
    (['a', '--data', 'films', '--force'], '--reveal and --force are not'),
    (['a', '--data', 'films'], 'a is no folder'), (['a', '--out', 'x'], "a run's own folder gets its numbers")])
def test_what_data_does_not_go_with_gets_one_line_and_status_2(tmp_path, monkeypatch, capsys, argv, says):
    monkeypatch.chdir(tmp_path)
    assert run(evaluate, argv) == 2
    err = capsys.readouterr().err
    assert err.count('\n') == 1 and says in err


def test_an_evaluation_elsewhere_is_measured_anew_from_its_files(measured_elsewhere, tmp_path, undrawn, capsys):
    folder = shutil.copytree(measured_elsewhere[1], tmp_path/'out')
    before = json.loads((folder/'metrics.json').read_text())
    assert run(evaluate, [str(folder), '--n-boot', '5']) == 0
    assert json.loads((folder/'metrics.json').read_text()) == before
    screen = ' '.join(capsys.readouterr().out.split())
    assert 'own test' in screen and 'The threshold that would have been right here' in screen and 'measured on drawn' in screen
    assert run(evaluate, [str(folder), str(measured_elsewhere[0])]) == 2 and 'is measured on other images' in capsys.readouterr().err


@pytest.mark.parametrize('given', [['--operating-point', 'sensitivity=0.99'], ['--error', '0.01']])
def test_the_rules_of_an_evaluation_elsewhere_are_its_runs(measured_elsewhere, given, capsys):
    before = contents(measured_elsewhere[1])
    assert run(evaluate, [str(measured_elsewhere[1]), *FEW, *given]) == 2
    err = capsys.readouterr().err
    assert err.count('\n') == 1 and 'evaluate the run with them first' in err and contents(measured_elsewhere[1]) == before
