import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from pneumo_fastai.report.figures import style


def test_save_leaves_the_file_and_nothing_else(tmp_path):
    fig = style.figure((6, 6), synthetic=False)
    style.unit_square(fig, 'a', 'b', 'c')
    assert style.save(fig, tmp_path/'roc.png') == tmp_path/'roc.png'
    assert [p.name for p in tmp_path.iterdir()] == ['roc.png']
    with Image.open(tmp_path/'roc.png') as im: assert min(im.size) > 500
    with pytest.raises(ValueError): style.save(fig, tmp_path/'roc.nonsense')
    assert [p.name for p in tmp_path.iterdir()] == ['roc.png']


def test_a_point_at_the_corner_of_the_unit_square_lies_within():
    ax = style.unit_square(style.figure((3, 3), synthetic=True), 'a', 'b', 'c')
    assert ax.get_xlim() == ax.get_ylim() == (-.01, 1.01) and ax.get_aspect() == 1
    assert ax.get_figure()._suptitle.get_text() == 'synthetic data' and style.figure((3, 3), synthetic=False)._suptitle is None


def test_no_pyplot_and_no_torch():
    code = ('import sys; from pneumo_fastai.evaluation import metrics, results; from pneumo_fastai.report import page, written; '
            'print([m for m in ("torch", "fastai", "matplotlib.pyplot") if m in sys.modules])')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=Path(__file__).parents[3], check=True)
    assert done.stdout.strip() == '[]'
