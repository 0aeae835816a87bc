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


def python(*args, cwd, **env):
    own = {k: v for k, v in os.environ.items() if k != 'OMP_NUM_THREADS'}  # as a user has it, on all cores
    return subprocess.run([sys.executable, *map(str, args)], cwd=cwd, env=own | env, capture_output=True, text=True, check=False)


def test_the_demo_set_is_hard_enough_and_never_called_real(tmp_path):
    cache = {'XDG_CACHE_HOME': str(tmp_path/'cache')}
    done = python('-m', 'pneumo_fastai.fit', '--exp', 'weighted', cwd=tmp_path, **cache)
    assert done.returncode == 0, done.stderr
    run, = (tmp_path/'runs').iterdir()
    history = pd.read_csv(run/'history.csv')
    assert len(history) == 20 and 0.85 <= history.auroc.max() <= 0.99
    assert json.loads((run/'metrics.json').read_text())['synthetic'] is True
    assert done.stdout.count('synthetic') >= 2  # over the cohort and over the metrics
    report = (run/'report.html').read_text()
    assert report.count('synthetic data') > 20
    film = pd.read_csv(run/'split.csv').path[0]
    assert 'synthetic' in python('-m', 'pneumo_fastai.predict', run, film, cwd=tmp_path, **cache).stdout


def test_after_a_plain_install_the_shipped_experiments_are_found_from_any_folder(tmp_path):
    site = {'PYTHONPATH': str(tmp_path/'site')}
    assert python('-m', 'pip', 'install', '--quiet', '--no-deps', '--target', tmp_path/'site', ROOT, cwd=tmp_path).returncode == 0
    code = 'import pneumo_fastai.experiment as e; print(e.__file__); print(*sorted(p.stem for p in e.folder().glob("*.toml")))'
    where, names = python('-c', code, cwd=tmp_path, **site).stdout.splitlines()
    assert where.startswith(str(tmp_path)) and names == 'augmented baseline gradcam localise weighted'
    (tmp_path/'mine.toml').write_text('epochs = "x"\n')
    for name, says in (('wieghted', 'augmented, baseline, gradcam, localise, weighted'), ('mine.toml', 'a whole number')):
        done = python('-m', 'pneumo_fastai.fit', '--exp', name, cwd=tmp_path, **site)
        assert done.returncode == 2 and says in done.stderr
