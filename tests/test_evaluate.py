import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.evaluate import evaluate
from pneumo_fastai.evaluation.calibrators import apply
from pneumo_fastai.evaluation.comparison import compare
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.report.comparison import escaped, left_out, notes

FEW = ['--n-boot', '20']


@pytest.fixture(scope='module')
def three(tmp_path_factory, write_run):
    "Two runs on one test set and one, synthetic, on another."
    here = tmp_path_factory.mktemp('runs')
    return [str(write_run(here/'first', 0)), str(write_run(here/'second_a&b', 1)), str(write_run(here/'third', 2, n=240, synthetic=True))]


def contents(folder): return {p.name: p.read_bytes() for p in folder.iterdir()}


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


def test_the_table_of_runs_as_text_csv_and_latex(three, tmp_path, capsys, undrawn):
    out = tmp_path/'comparison'
    assert run(evaluate, [*three, *FEW, '--out', str(out)]) == 0
    screen = ' '.join(capsys.readouterr().out.split())
    assert 'no difference from A, the test sets differ' in screen and 'DeLong p (AUROC)' in screen and 'synthetic' in screen.lower()
    table = pd.read_csv(f'{out}.csv').set_index(['run', 'at', 'metric'])
    assert run(evaluate, [three[1], *FEW]) == 0
    metrics = json.loads(Path(three[1], 'metrics.json').read_text())['test']
    for at in ('at_threshold', 'at_0.5'):
        for m in ('auroc', 'accuracy', 'recall'):
            row = table.loc['second_a&b', at, m]
            assert [row.value, row.low, row.high] == pytest.approx([metrics[at][m][k] for k in ('value', 'low', 'high')])
            assert row.difference_value == pytest.approx(row.value - table.loc['first', at, m].value)
    assert table.loc['third'].difference_value.isna().all() and table.loc['third'].reason.str.contains('test sets differ').all()
    check_latex(Path(f'{out}.tex').read_text(), table)


def check_latex(text, table):
    "Its rows parse back to the numbers of the CSV, and what LaTeX would take for a command is escaped."
    assert r'second\_a\&b' in text and all(o in text for o in (r'\toprule', r'\midrule', r'\bottomrule'))
    rows = {r[0]: r[1:] for r in csv.reader((line[2:].removesuffix(r' \\').replace(' & ', '\t') for line in text.splitlines()
                                             if line.endswith(r' \\')), delimiter='\t')}
    for name, m in (('AUROC', 'auroc'), ('accuracy', 'accuracy')):
        assert [c.split(' [')[0] for c in rows[name]] == [f'{table.loc[r, "at_threshold", m].value:.3f}' for r in
                                                          ('first', 'second_a&b', 'third')]
    assert all(len(cells) == 3 for cells in rows.values())
    assert escaped('50%_{x}\\^~#$') == r'50\%\_\{x\}\textbackslash{}\textasciicircum{}\textasciitilde{}\#\$'


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


def test_a_difference_says_how_many_resamples_it_lacks():
    "Of eight patients one is ill: a third of the draws hold no ill image."
    rows = pd.DataFrame(dict(path=[f'{i}' for i in range(16)], patient=[f'{i//2}' for i in range(16)], split=['valid', 'test']*8,
                             label=[1]*2 + [0]*14, probability=np.linspace(.9, .1, 16)))
    found = compare(rows, rows.assign(probability=rows.probability[::-1].to_numpy()), Settings(n_boot=200))
    left = found['difference']['at_threshold']['recall']['left_out']
    assert 40 < left == left_out(found) and left_out(dict(difference=None)) == 0
    side = [dict(o, run='x', reason=None, synthetic=False, delong=None, doubts=[]) for o in (dict(difference=None), found)]
    assert f'B: up to {left} resamples are left out of a difference, which is undefined in them.' in list(notes(side))
