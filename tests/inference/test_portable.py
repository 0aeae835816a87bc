"A bundle's folder predicts without torch and fastai what it predicts with them."
import json
import os
import subprocess
import sys
import venv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fastai.learner import load_learner

import pneumo_fastai
from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.errors import InputError, UnreadableImage
from pneumo_fastai.inference.bundle import Bundle, fresh
from pneumo_fastai.inference.model import Model
from pneumo_fastai.inference.portable import load, main

NEEDED = 'numpy', 'pydicom', 'imagecodecs', 'onnxruntime'
RECIPE = dict(arch='resnet18', size=64, aspect='pad', any_view=False, mean=.45, std=.23, threshold=.5, members=1,
              calibrator=dict(method='temperature', temperature=2.), conformal=dict(limit={'0': .45, '1': .6}),
              grey={'mean': [80., 120.], 'standard deviation': [15., 60.]})


def saved(bundle, folder):
    "The bundle's folder, with its ONNX file."
    bundle.save(folder, onnx=True)
    return folder


def a_bundle(**more):
    torch.manual_seed(0)
    recipe = RECIPE | more
    return Bundle(fresh(recipe).state_dict(), recipe)


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    bundle = a_bundle()
    return bundle, saved(bundle, tmp_path_factory.mktemp('made')/'model')


@pytest.fixture
def real(shared): return sorted(map(str, (shared/'rsna-16').rglob('*.dcm')))


@pytest.fixture
def paths(films): return sorted(map(str, films.rglob('*.png')))[:20]


def same(found, wanted):
    "Asserts that two predictions are one, but for rounding."
    for name in ('probability', 'calibrated', 'disagreement'):
        assert getattr(found, name) == pytest.approx(getattr(wanted, name), abs=1e-4), name
    assert (found.prediction, found.set) == (wanted.prediction, wanted.set)
    assert [w[:20] for w in found.warnings] == [w[:20] for w in wanted.warnings]


@pytest.mark.parametrize('more', [{}, dict(members=2, conformal=None, grey_levels='clahe')])
def test_it_says_what_the_model_says(more, paths, tmp_path):
    bundle = a_bundle(**more)
    model, portable = Model(bundle), load(saved(bundle, tmp_path/'model'))
    for found, wanted in zip(portable.predict(paths), model.predict(paths), strict=True): same(found, wanted)
    same(portable.predict(Path(paths[0])), model.predict(paths[0]))


def test_rows_are_those_of_the_table_whatever_cannot_be_read(made, paths, tmp_path):
    bundle, folder = made
    (tmp_path/'broken.dcm').write_bytes(b'broken')
    asked = [*paths[:3], str(tmp_path/'broken.dcm'), tmp_path/'absent.dcm', *paths[3:]]
    rows, table = list(load(folder).rows(asked)), bundle.table(asked)
    assert list(rows[0]) == list(table) and [r['path'] for r in rows] == list(table.path)
    for name in ('prediction', 'set', 'reason'): assert [r[name] for r in rows] == list(table[name]), name
    for name in ('probability', 'calibrated'): np.testing.assert_allclose([r[name] for r in rows], table[name], atol=1e-4)
    with pytest.raises(UnreadableImage, match=r'absent\.dcm: the file does not exist'): load(folder).predict(asked[4])


def test_the_command_prints_a_line_a_file(made, paths, tmp_path, capsys):
    assert main([str(made[1]), paths[0], str(tmp_path/'absent.dcm')]) == 3
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f'{paths[0]}: ') and 'pneumonia, probability 0.' in first and ', set: ' in first
    assert second == f'{tmp_path}/absent.dcm: not read, the file does not exist'
    assert main([str(made[1]), str(tmp_path/'absent.dcm')]) == 1 and main([str(made[1]), paths[0]]) == 0 and main([]) == 2
    capsys.readouterr()
    made[0].save(tmp_path)
    assert main([str(tmp_path), paths[0]]) == 2 and 'holds no model.onnx' in capsys.readouterr().err


def test_a_name_is_shown_on_one_line_and_moves_no_cursor(made, paths, tmp_path, capsysbinary):
    for name in (b'a\nb.png', b'\x1b[31m.png', b'\xff.png'): os.symlink(os.fsencode(paths[0]), os.path.join(os.fsencode(tmp_path), name))
    typed = [str(made[1]), *map(str, sorted(tmp_path.iterdir()))]
    assert main(typed) == 0
    out = capsysbinary.readouterr().out
    assert out.count(b'\n') == 3 and b'\x1b' not in out and b'/a?b.png: ' in out


@pytest.mark.parametrize('where', ['nowhere', 'a.png', 'a.png/model', ''])
def test_a_wrong_place_is_told_in_a_line(tmp_path, paths, capsys, where):
    (tmp_path/'a.png').write_bytes(b'')
    assert main([str(tmp_path/where), paths[0]]) == 2
    err = capsys.readouterr().err
    assert err.count('\n') == 1 and 'holds no model/model.json; give the folder that fit wrote' in err


def test_without_onnxruntime_it_says_what_would_do(made, monkeypatch):
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(InputError, match='pip install onnxruntime'): load(made[1])


def imported_by(code, *args):
    "The top modules that a fresh process has imported after `code`."
    code += "\nprint(*{m.split('.')[0] for m in sys.modules})"
    typed = [sys.executable, '-c', f'import sys\n{code}', *map(str, args)]
    return subprocess.run(typed, capture_output=True, text=True, check=True).stdout.split()


def test_it_imports_nothing_but_what_it_needs(made):
    found = imported_by('from pneumo_fastai.inference.portable import load\nload(sys.argv[1])', made[1])
    assert {'numpy', 'onnxruntime', 'imagecodecs'} <= set(found)
    assert not {'torch', 'fastai', 'fastcore', 'pandas', 'PIL', 'scipy', 'sklearn', 'matplotlib', 'joblib'} & set(found)


@pytest.mark.parametrize('grey', ['windowed', 'standardised', 'equalised'])
def test_learner_torch_and_onnx_agree_on_real_radiographs(grey, real, tiny, films, tmp_path):
    from pneumo_fastai.training.learner import get_learner
    from pneumo_fastai.training.loaders import get_dls
    from pneumo_fastai.training.run import bundle_of
    tiny = replace(tiny, grey=grey)
    learn = get_learner(tiny, get_dls(tiny, read_cohort(films)))
    with learn.no_bar(), learn.no_logging(): learn.fit(1)
    learn.path = tmp_path
    learn.export('learner.pkl')
    bundle = bundle_of(learn, tiny)
    assert ('grey_levels' in bundle.recipe) == (grey != 'windowed')
    bundle.recipe |= dict(threshold=.5, calibrator=dict(method='none'))
    with pytest.warns(UserWarning, match='insecure pickle'): again = load_learner(tmp_path/'learner.pkl')
    with again.no_bar(): pickled = [float(again.predict(p)[2][1]) for p in real]
    by_torch, _ = bundle.probability(real)
    by_onnx = [p.probability for p in load(saved(bundle, tmp_path/'model')).predict(real)]
    np.testing.assert_allclose(by_torch, pickled, atol=1e-4)
    np.testing.assert_allclose(by_onnx, pickled, atol=1e-4)
    assert np.ptp(pickled) > 1e-3  # of images that it can tell apart


@pytest.fixture(scope='module')
def small(tmp_path_factory):
    "The Python of a fresh environment that has the four packages and what they bring."
    venv.create(folder := tmp_path_factory.mktemp('small'), with_pip=True)
    subprocess.run([folder/'bin'/'python', '-m', 'pip', 'install', '-q', *NEEDED], check=True)
    return folder/'bin'/'python'


@pytest.mark.slow
@pytest.mark.parametrize('size', [64, 224])
def test_a_fresh_environment_of_four_packages_predicts_the_same(size, real, small, tmp_path):
    bundle = a_bundle(size=size)
    folder = saved(bundle, tmp_path/'model')
    code = ('import json, sys\nfrom pneumo_fastai.inference.portable import load\n'
            'print(json.dumps([p.probability for p in load(sys.argv[1]).predict(sys.argv[2:])]))\n'
            'for name in ("PIL", "torch", "fastai", "pandas", "scipy"):\n'
            '    try: __import__(name)\n    except ImportError: continue\n    sys.exit(f"{name} is there")\n')
    here = dict(os.environ, PYTHONPATH=str(Path(pneumo_fastai.__file__).parents[1]))
    done = subprocess.run([small, '-c', code, folder, *real], capture_output=True, text=True, env=here, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(json.loads(done.stdout), [p.probability for p in Model(bundle).predict(real)], atol=1e-4)
