import json
from types import SimpleNamespace

import pandas as pd
import pytest

from pneumo_fastai.bench import bench, check_dicom
from pneumo_fastai.benchmarks import rates
from pneumo_fastai.cli import parser_for, run
from pneumo_fastai.errors import InputError
from pneumo_fastai.report import reading


def test_bench_takes_what_decides_the_work_and_refuses_the_rest(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    values = parser_for(bench).parse(['--batch-size', '8', '--no-compiled', '--aspect', 'crop'])
    assert {'size', 'arch', 'precision', 'split_seed', 'box_guidance', 'guided_by'} < set(values)
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


def test_it_prints_a_line_for_each_row_of_its_file(tmp_path, monkeypatch, capsys):
    found = dict(rows=[dict(what='decoding', rate=1234.5, plain='pydicom', plain_rate=617.25, ratio=2.)])
    monkeypatch.setattr(reading, 'cohort_ready', lambda *a: None)
    monkeypatch.setattr(rates, 'measured', lambda *a: found)
    assert run(bench, ['--size', '32', '--batch-size', '8', '--out', str(tmp_path/'b.json')]) == 0
    out = capsys.readouterr().out
    assert all(o in out for o in ('at 32x32, batch 8', 'decoding', '1,234.5', 'pydicom', '617.2', '2.00', 'b.json'))
    assert json.loads((tmp_path/'b.json').read_text()) == found
