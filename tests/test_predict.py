"What `predict` needs of a machine: one process, from cold, without the libraries of training."
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.inference import formats
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.models.architectures.resnet18 import ResNet18
from pneumo_fastai.predict import predict

RECIPE = dict(arch='resnet18', size=32, aspect='pad', any_view=False, mean=0.4, std=0.2, threshold=0.3, threshold_from='youden', data='d',
              experiment='e', synthetic=False, calibrator=dict(method='none'))
UNNEEDED = 'fastai', 'matplotlib', 'sklearn', 'scipy', 'torchvision', 'torch._dynamo', 'torch._inductor'


def test_predict_imports_nothing_of_training(films, tmp_path):
    Bundle(ResNet18().state_dict(), RECIPE).save(tmp_path/'model')
    code = f'import sys; from pneumo_fastai.cli import run; from pneumo_fastai.predict import predict\n' \
           f'for p in ("float32", "bfloat16"): assert run(predict, [*sys.argv[1:], "--out", p + ".csv", "--precision", p]) == 0\n' \
           f"print('loaded:', [o for o in {UNNEEDED} if o in sys.modules])"
    done = subprocess.run([sys.executable, '-c', code, tmp_path, films/'NORMAL'], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'loaded: []' in done.stdout
    for precision in ('float32', 'bfloat16'): assert pd.read_csv(tmp_path/f'{precision}.csv').probability.between(0, 1).all()


def test_a_precision_that_there_is_not_leaves_no_file(films, tmp_path, capsys):
    Bundle(ResNet18().state_dict(), RECIPE).save(tmp_path/'model')
    assert run(predict, [str(tmp_path), str(films/'NORMAL'), '--precision', 'fp8', '--out', str(tmp_path/'p.csv')]) == 2
    assert "precision is 'fp8'" in capsys.readouterr().err and [p.name for p in tmp_path.iterdir()] == ['model']


def test_the_status_says_whether_all_some_or_none_were_read(films, tmp_path, capsys):
    Bundle(ResNet18().state_dict(), RECIPE).save(tmp_path/'model')
    good, bad = sorted(films.rglob('*.png'))[0], tmp_path/'bad.png'
    bad.write_bytes(b'no')
    for i, (files, status) in enumerate((([good], 0), ([good, bad, 'nowhere.png'], 3), ([bad], 1), ([], 2))):
        (tmp_path/'list.txt').write_text('\n'.join(map(str, files)))
        assert run(predict, [str(tmp_path), f'@{tmp_path}/list.txt', '--out', str(tmp_path/f'{i}.jsonl')]) == status
        assert capsys.readouterr().err.count('\n') == (status in (1, 2)) and (tmp_path/f'{i}.jsonl').exists() == (status != 2)
    rows = [json.loads(line) for line in (tmp_path/'1.jsonl').read_text().splitlines()]
    assert [r['path'] for r in rows] == [str(good), str(bad), str(Path('nowhere.png').absolute())]
    assert rows[0]['reason'] is None and rows[1]['prediction'] is None and rows[2]['reason'] == 'the file does not exist'


def test_paths_come_from_standard_input_and_a_parquet_is_the_csv(films, tmp_path):
    pytest.importorskip('pyarrow')
    Bundle(ResNet18().state_dict(), RECIPE).save(tmp_path/'model')
    paths = '\n'.join(map(str, sorted(films.rglob('*.png'))[:20]))
    for name in ('p.csv', 'p.parquet'):
        done = subprocess.run([sys.executable, '-m', 'pneumo_fastai.predict', tmp_path, '-', '--out', tmp_path/name], input=paths,
                              text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    a, b = pd.read_csv(tmp_path/'p.csv'), pd.read_parquet(tmp_path/'p.parquet')
    assert list(a.columns) == list(b.columns) and list(a.path) == list(b.path) == paths.split('\n')
    assert list(a.probability) == list(b.probability) and b.reason.isna().all()


def test_help_says_what_the_status_means_and_what_cannot_be_written_is_known_first(tmp_path, capsys):
    with pytest.raises(SystemExit): run(predict, ['--help'])
    said = ' '.join(capsys.readouterr().out.split())
    assert '3, some were rejected' in said and '@LIST' in said and '.parquet' in said
    assert run(predict, ['nowhere', 'nowhere', '--out', str(tmp_path/'p.xlsx')]) == 2
    assert 'no table that can be written' in capsys.readouterr().err


def test_a_list_that_is_not_there_is_told_before_what_would_write_its_parts(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(formats, 'find_spec', lambda name: None)  # pyarrow is not installed
    typed = ['nowhere', f'@{tmp_path}/list.txt', '--out', f'{tmp_path}/scores/']
    assert run(predict, typed) == 2 and 'list.txt cannot be read (No such file or directory)' in capsys.readouterr().err
    (tmp_path/'list.txt').write_text('a.png\n')
    assert run(predict, typed) == 2 and 'needs pyarrow' in capsys.readouterr().err and [p.name for p in tmp_path.iterdir()] == ['list.txt']


@pytest.mark.parametrize('where', ['.', 'maps', 'a/../maps'])
def test_heatmaps_are_not_put_among_the_images_that_they_are_of(tmp_path, capsys, where):
    images = tmp_path/'images'
    images.mkdir()
    typed = ['nowhere', str(images), '--out', str(tmp_path/'p.csv'), '--heatmaps', str(images/where)]
    assert run(predict, typed) == 2 and not list(images.iterdir())
    err = capsys.readouterr().err
    assert 'give --heatmaps a folder elsewhere' in err and err.count('\n') == 1
