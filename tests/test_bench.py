import json
from types import SimpleNamespace

import pandas as pd
import pytest

from pneumo_fastai.bench import bench, check_dicom
from pneumo_fastai.cli import parser_for, run
from pneumo_fastai.errors import InputError


def test_bench_takes_what_decides_the_work_and_refuses_the_rest(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    values = parser_for(bench).parse(['--batch-size', '8', '--no-compiled', '--aspect', 'crop'])
    assert {'size', 'arch', 'precision', 'split_seed', 'box_guidance'} < set(values)
    assert not {'epochs', 'lr', 'seed', 'tta', 'gradcam', 'folds', 'class_weights'} & set(values)
    for argv, says in ((['--epochs', '3'], "'epochs'"), (['--growth', 'g', '--aspect', 'crop'], 'aspect'),
                       (['--growth', 'g', '--box-guidance', '1'], 'box_guidance')):
        assert run(bench, argv) == 2
        err = capsys.readouterr().err
        assert err.startswith('error: ') and err.count('\n') == 1 and says in err and 'batch' in err
    assert not list(tmp_path.iterdir())


def test_a_picture_among_dicoms_is_named():
    def of(*paths): return SimpleNamespace(table=pd.DataFrame(dict(path=paths)))
    check_dicom(of('a.dcm', '1.2.840.5', 'I0001'))
    with pytest.raises(InputError, match=r'2 images are no DICOM, the first is b\.PNG'): check_dicom(of('a.dcm', 'b.PNG', 'c.jpeg'))


@pytest.mark.slow
@pytest.mark.usefixtures('small')
def test_it_prints_a_line_for_each_row_of_its_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr('pneumo_fastai.data.prepare.DEMO_IMAGES', 60)
    assert run(bench, ['--size', '32', '--batch-size', '8']) == 0
    rows = json.loads((tmp_path/'bench.json').read_text())['rows']
    out = capsys.readouterr().out
    for row in rows: assert f'{row["rate"]:,.1f}' in out and row['ratio'] == pytest.approx(row['rate'] / row['plain_rate'])
