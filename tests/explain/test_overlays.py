"The pictures that predict draws: whole, on one scale, named apart, and no patient's name in them."
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from pneumo_fastai.cli import run
from pneumo_fastai.explain.overlays import SIDE, Overlays, cut, wrapped
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.models import zoo
from pneumo_fastai.models.ensemble import Ensemble
from pneumo_fastai.predict import predict

pytestmark = pytest.mark.usefixtures('small')
RECIPE = dict(arch='resnet18', size=32, aspect='pad', any_view=False, mean=.4, std=.2, threshold=.5, threshold_from='youden', data='d',
              experiment='e', synthetic=False, calibrator=dict(method='none'))


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    place = tmp_path/'run'
    place.mkdir()
    Bundle(zoo.build('resnet18').state_dict(), RECIPE).save(place/'model')
    return place


@pytest.fixture
def some(films, tmp_path):
    "Four images, two of one name in two folders, and one that is none."
    for i, path in enumerate(sorted(films.rglob('*.png'))[:4]):
        to = tmp_path/'in'/('a', 'b')[i % 2]/('same.png' if i < 2 else f'{i}.png')
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(path.read_bytes())
    (tmp_path/'in'/'bad.dcm').write_bytes(b'no')
    return tmp_path/'in'


def test_each_image_that_was_read_has_its_picture_and_the_table_is_as_without(model, some, tmp_path):
    for name, more in (('plain', []), ('drawn', ['--heatmaps', str(tmp_path/'new'/'maps')])):
        assert run(predict, [str(model), str(some), '--out', str(tmp_path/f'{name}.csv'), *more]) == 3
    pd.testing.assert_frame_equal(*(pd.read_csv(tmp_path/f'{name}.csv') for name in ('plain', 'drawn')))
    names = sorted(p.name for p in (tmp_path/'new'/'maps').iterdir())
    assert names[:2] == ['2.png.png', '3.png.png'] and len(names) == 4 and all(n.startswith('same.png.') for n in names[2:])
    for name in names:
        with Image.open(tmp_path/'new'/'maps'/name) as picture: assert picture.width == SIDE < picture.height and not picture.info


@pytest.mark.parametrize('n', [1, 2])
def test_heat_is_a_share_of_the_runs_own_top_or_else_of_the_images_own(films, tmp_path, n):
    torch.manual_seed(0)
    nets = [zoo.build('resnet18') for _ in range(n)]
    state = nets[0].state_dict() if n == 1 else Ensemble(nets, [(.4, .2)] * n).state_dict()
    bundle, paths = Bundle(state, RECIPE | dict(members=n)), [str(p) for p in sorted(films.rglob('*.png'))[:3]]
    draw = Overlays(tmp_path/'maps', paths)
    cam = draw.own_cam(bundle.model, {})
    x = bundle.normalised(np.stack([bundle.pixels(p) for p in paths]))
    own, far, twice = (draw.heat(cam, x, tops) for tops in (None, [1e9], [2e9]))
    assert own.shape == (3, SIDE, SIDE) and own.max() == pytest.approx(1, abs=.01)
    np.testing.assert_allclose(far, 2 * twice, rtol=1e-4)
    assert cam.last and draw.own_cam(bundle.model, {}) is not cam


@pytest.mark.slow
def test_a_picture_that_is_there_is_not_drawn_again_and_a_layer_by_name_gives_one_too(films, tmp_path):
    paths = [str(p) for p in sorted(films.rglob('*.png'))[:40]]
    for layers in (None, ['0']):
        heat = dict(method='hirescam', layers=layers, mirror=True, tops=[.1])
        bundle = Bundle(zoo.build('resnet18').state_dict(), RECIPE | dict(heat=heat))
        draw = Overlays(tmp_path/str(layers), paths)
        draw.place(paths[0]).write_bytes(b'before')
        list(bundle.tables(paths, 8, draw=draw))
        assert draw.place(paths[0]).read_bytes() == b'before' and len(list(draw.folder.iterdir())) == 40


def test_the_folder_is_new_or_empty_before_anything_else_is_looked_at(tmp_path, capsys):
    (tmp_path/'full').mkdir()
    (tmp_path/'full'/'x').write_text('')
    for place, says in (('full', 'is not empty'), ('full/x', 'is no folder')):
        assert run(predict, ['nowhere', 'nowhere', '--out', str(tmp_path/'p.csv'), '--heatmaps', str(tmp_path/place)]) == 2
        assert says in capsys.readouterr().err


def test_words_fit_and_names_are_told_apart(tmp_path):
    draw = Overlays(tmp_path/'maps', ['/a/x.png', '/b/X.png', '/a/y.png', '/a/' + 'n'*250 + '.png'])
    each = [draw.place(p).name for p in ('/a/x.png', '/b/X.png', '/a/y.png', '/a/' + 'n'*250 + '.png')]
    assert len({e.lower() for e in each}) == 4 and each[2] == 'y.png.png' and all(len(e) < 255 for e in each)
    assert all(draw.font.getlength(line) <= 284 for line in wrapped('what a place adds to the logit ' * 5, draw.font, 300))
    (line,) = cut('n' * 300 + '.png', draw.font, 300)
    assert line.endswith('.png') and '…' in line


@pytest.mark.slow
def test_after_an_interruption_the_same_command_draws_the_rest_into_the_same_folder(model, films, tmp_path, monkeypatch, capsys):
    done, whole, command = [], Overlays.drawn, [str(model), str(films/'NORMAL'), '--out', str(tmp_path/'p.csv'), '--heatmaps']
    def breaks(self, *row):
        done.append(row)
        if len(done) == 40: raise RuntimeError
        return whole(self, *row)
    monkeypatch.setattr(Overlays, 'drawn', breaks)
    with pytest.raises(RuntimeError): run(predict, [*command, str(tmp_path/'maps')])
    before = {p: p.stat().st_mtime_ns for p in (tmp_path/'maps').iterdir()}
    assert run(predict, [*command, str(tmp_path/'other')]) == 2 and 'other heatmaps' in capsys.readouterr().err
    assert run(predict, [*command, str(tmp_path/'maps')]) == 0
    n = len(list((films/'NORMAL').iterdir()))
    assert len(list((tmp_path/'maps').iterdir())) == n == len(pd.read_csv(tmp_path/'p.csv')) and len(done) <= n + 2
    assert len(before) >= 30 and all(p.stat().st_mtime_ns == t for p, t in before.items())
