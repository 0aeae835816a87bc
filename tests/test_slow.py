"What takes longer than a unit test: the built-in demo set, whole, and the package installed as a wheel. Run by `pytest -m slow`."
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def test_the_demo_set_is_hard_enough_and_never_called_real(tmp_path):
    env = os.environ | {'XDG_CACHE_HOME': str(tmp_path/'cache')}
    done = subprocess.run([sys.executable, '-m', 'pneumo_fastai.fit', '--exp', 'weighted'], cwd=tmp_path, env=env, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    run, = (tmp_path/'runs').iterdir()
    history = pd.read_csv(run/'history.csv')
    assert len(history) == 20 and 0.85 <= history.auroc.max() <= 0.99
    assert json.loads((run/'metrics.json').read_text())['synthetic'] is True
    assert done.stdout.count('synthetic') >= 2  # over the cohort and over the metrics
    report = (run/'report.md').read_text()
    assert all('synthetic' in o.lower() for o in report.split('\n## ') if o.startswith(('Results', 'Figures', 'Data')))
    assert 'synthetic' in subprocess.run([sys.executable, '-m', 'pneumo_fastai.predict', str(run), next(iter(pd.read_csv(run/'split.csv').path))],
                                         cwd=tmp_path, env=env, capture_output=True, text=True, check=True).stdout


def test_after_a_plain_install_the_shipped_experiments_are_found_from_any_folder(tmp_path):
    subprocess.run([sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps', '--target', tmp_path/'site', ROOT], check=True, cwd=tmp_path)
    code = 'import pneumo_fastai, pneumo_fastai.experiment as e; print(pneumo_fastai.__file__); print(*sorted(p.stem for p in e.folder().iterdir()))'
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, capture_output=True, text=True, check=True,
                          env=os.environ | {'PYTHONPATH': str(tmp_path/'site')})
    where, names = done.stdout.splitlines()
    assert where.startswith(str(tmp_path)) and names == 'augmented baseline gradcam weighted'
    (tmp_path/'mine.toml').write_text('epochs = "x"\n')
    for name, says in (('wieghted', 'augmented, baseline, gradcam, weighted'), ('mine.toml', 'a whole number')):
        done = subprocess.run([sys.executable, '-m', 'pneumo_fastai.fit', '--exp', name], cwd=tmp_path, capture_output=True, text=True, check=False,
                              env=os.environ | {'PYTHONPATH': str(tmp_path/'site')})
        assert done.returncode == 2 and says in done.stderr
