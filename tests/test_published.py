"What experiments/README.md says is what study makes of the runs that are kept beside it."
import shutil
from pathlib import Path

import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.study import study

HERE = Path(__file__).parents[1]/'experiments'


@pytest.mark.slow
def test_the_published_tables_are_those_of_the_published_runs(tmp_path):
    shutil.copy(HERE/'README.md', tmp_path)
    assert run(study, [str(HERE/'runs.tar.xz'), '--page', str(tmp_path/'README.md')]) == 0
    assert (tmp_path/'README.md').read_text() == (HERE/'README.md').read_text()
