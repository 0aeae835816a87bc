"Imports run one way, at any depth and however they are written: the law of the house."
import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1]/'pneumo_fastai'
BASE = set('ages cluster errors experiment grid recipe csv_files memory processes screen writing'.split())  # rooms may use them
ORDER = ('data', 'evaluation', 'models'), ('runs',), ('report',), ('inference',), ('explain',), ('page',), ('training',), ('benchmarks',)
ROOMS = {room: set().union(*ORDER[:i]) for i, level in enumerate(ORDER) for room in level}
TORCH, FASTAI = {'torch', 'torchvision', 'fastai'}, {'fastai'}
NEVER = dict.fromkeys(('data', 'evaluation', 'runs', 'report'), TORCH) | dict.fromkeys(('models', 'inference', 'explain', 'page'), FASTAI)


def imported(path, package=PACKAGE):
    "Every module that a file imports, anywhere in it, as a dotted name; of our own ones too, relative or not."
    here = ('pneumo_fastai', *path.relative_to(package).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import): yield from (a.name for a in node.names)
        if isinstance(node, ast.ImportFrom):
            base = [*here[:len(here) + 1 - node.level]] if node.level else []
            module = '.'.join([*base, *([node.module] if node.module else [])])
            yield from (f'{module}.{a.name}' for a in node.names)


def rooms_and_others(path, package=PACKAGE):
    "(names of our own that come right after the package's, top names of foreign modules) of a file's imports."
    names = [name.split('.') for name in imported(path, package)]
    return {n[1] for n in names if n[0] == 'pneumo_fastai' and len(n) > 1}, {n[0] for n in names if n[0] != 'pneumo_fastai'}


@pytest.mark.parametrize('room', ROOMS)
def test_imports_run_one_way(room):
    files = list((PACKAGE/room).rglob('*.py'))
    assert files
    for path in files:
        own, foreign = rooms_and_others(path)
        assert not foreign & NEVER.get(room, set()), path
        assert own <= ROOMS[room] | BASE | {room}, (path, own)


def test_statistics_know_nothing_of_ours_but_errors_and_ages():
    for path in (PACKAGE/'evaluation').rglob('*.py'): assert rooms_and_others(path)[0] <= {'evaluation', 'errors', 'ages'}, path


@pytest.mark.parametrize('line', [
    'from pneumo_fastai.training import run', 'import pneumo_fastai.training.run', 'from pneumo_fastai import training',
    'from ...training.run import fit_into', 'from ... import training', 'def f():\n    from ...training import run'])
def test_the_law_sees_every_way_to_write_an_import(tmp_path, line):
    path = tmp_path/'data'/'deep'/'there.py'
    path.parent.mkdir(parents=True)
    path.write_text(line)
    assert 'training' in rooms_and_others(path, tmp_path)[0]


def test_every_folder_is_a_room():
    assert {p.name for p in PACKAGE.iterdir() if p.is_dir() and not p.name.startswith('_')} == set(ROOMS)


def test_the_top_level_is_what_it_says():
    here = {p.name for p in PACKAGE.parent.iterdir() if not p.name.startswith('.') and p.name not in ('runs', 'build', 'dist')}
    assert here == {'pneumo_fastai', 'docs', 'experiments', 'tests', 'pyproject.toml', 'README.md', 'LICENSE'}


def test_every_module_has_a_test_of_its_name():
    for path in PACKAGE.rglob('*.py'):
        place = path.relative_to(PACKAGE)
        if place.name == '__init__.py': continue
        assert (Path(__file__).parent/place.parent/f'test_{place.stem.strip("_")}.py').is_file(), place
