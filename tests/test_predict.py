"What `predict` needs of a machine: one process, from cold, without the libraries of training."
import subprocess
import sys

import pandas as pd

from pneumo_fastai.cli import run
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.models.architectures.resnet18 import ResNet18
from pneumo_fastai.predict import predict

RECIPE = dict(arch='resnet18', size=32, aspect='pad', any_view=False, mean=0.4, std=0.2, threshold=0.3, threshold_from='youden', data='d',
              experiment='e', synthetic=False, calibrator=dict(method='none'))
UNNEEDED = 'fastai', 'matplotlib', 'sklearn', 'scipy', 'torchvision', 'torch._dynamo', 'torch._inductor'


def test_predict_imports_nothing_of_training(films, tmp_path):
    Bundle(ResNet18().state_dict(), RECIPE).save(tmp_path/'model.pt')
    code = f'import sys; from pneumo_fastai.cli import run; from pneumo_fastai.predict import predict\n' \
           f'for p in ("float32", "bfloat16"): assert run(predict, [*sys.argv[1:], "--out", p + ".csv", "--precision", p]) == 0\n' \
           f"print('loaded:', [o for o in {UNNEEDED} if o in sys.modules])"
    done = subprocess.run([sys.executable, '-c', code, tmp_path, films/'NORMAL'], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'loaded: []' in done.stdout
    for precision in ('float32', 'bfloat16'): assert pd.read_csv(tmp_path/f'{precision}.csv').probability.between(0, 1).all()


def test_a_precision_that_there_is_not_leaves_no_file(films, tmp_path, capsys):
    Bundle(ResNet18().state_dict(), RECIPE).save(tmp_path/'model.pt')
    assert run(predict, [str(tmp_path), str(films/'NORMAL'), '--precision', 'fp8', '--out', str(tmp_path/'p.csv')]) == 2
    assert "precision is 'fp8'" in capsys.readouterr().err and [p.name for p in tmp_path.iterdir()] == ['model.pt']
