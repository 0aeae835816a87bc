import subprocess

import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.export import export
from pneumo_fastai.runs.checksums import write_sums


def test_the_command_says_where_the_model_lies(explainable, capsys):
    folder = explainable()
    write_sums(folder)
    assert run(export, [str(folder)]) == 0 and f'written: {folder}/model' in capsys.readouterr().out
    subprocess.run(['sha256sum', '--quiet', '-c', 'SHA256SUMS'], cwd=folder, check=True)


@pytest.mark.parametrize('spoil, says', [(lambda f: f/'none', 'is no folder'),
                                         (lambda f: (f/'model/model.json').unlink() or f, 'holds no model/'),
                                         (lambda f: (f/'metrics.json').unlink() or f, 'metrics.json does not exist'),
                                         (lambda f: (f/'metrics.json').write_text('{"a": 1}') and f, 'has no threshold or no')])
def test_what_cannot_be_exported_is_told_in_a_line(explainable, capsys, spoil, says):
    assert run(export, [str(spoil(explainable()))]) == 2
    err = capsys.readouterr().err
    assert says in err and err.count('\n') == 1
