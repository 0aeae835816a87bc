import pandas as pd
import pytest

from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.inference.table import write_table
from pneumo_fastai.models import zoo

pytestmark = pytest.mark.usefixtures('small')
RECIPE = dict(arch='resnet18', size=32, aspect='pad', any_view=False, mean=.4, std=.2, threshold=.5, calibrator=dict(method='none'),
              grey={'mean': [80., 120.], 'standard deviation': [15., 60.]})


def test_the_file_is_the_bundles_table_and_the_counts_are_those_of_its_columns(films, tmp_path):
    Bundle(zoo.build('resnet18').state_dict(), RECIPE).save(tmp_path/'model')
    (tmp_path/'bad.png').write_bytes(b'no')
    paths = [*sorted(str(p) for p in films.rglob('*.png'))[:40], str(tmp_path/'bad.png')]
    rejected, warned, recipe = write_table(tmp_path, paths, tmp_path/'p.csv', 'float32')
    got, want = pd.read_csv(tmp_path/'p.csv'), Bundle.load(tmp_path).table(paths)
    assert list(got.path) == paths and list(got.columns) == list(want.columns) and recipe == RECIPE
    assert got.probability.to_numpy() == pytest.approx(want.probability.to_numpy(), rel=1e-5, nan_ok=True)
    assert rejected == got.reason.notna().sum() == 1 and warned == got.warnings.notna().sum() == want.warnings.notna().sum()
    assert not (tmp_path/'p.csv.partial').exists()
