"Imports run one way: data, evaluation <- models <- inference <- explain <- training <- commands."
import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1]/'pneumo_fastai'
ROOMS = {'data': set(), 'evaluation': set(), 'models': {'data', 'evaluation'}, 'explain': {'data', 'evaluation', 'models', 'inference'},
         'inference': {'data', 'evaluation', 'models'}, 'training': {'data', 'evaluation', 'models', 'explain', 'inference'}}
NEVER = {'data': {'torch', 'torchvision', 'fastai'}, 'evaluation': {'torch', 'torchvision', 'fastai'},
         'models': {'fastai'}, 'explain': {'fastai'}, 'inference': {'fastai'}, 'training': set()}


def imported(path):
    "The top names of foreign modules and the rooms of our own that a file imports, anywhere in it."
    foreign, own = set(), set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import): foreign |= {a.name.split('.')[0] for a in node.names}
        if isinstance(node, ast.ImportFrom) and node.level == 0: foreign.add(node.module.split('.')[0])
        if isinstance(node, ast.ImportFrom) and node.level == 2:
            own |= {node.module.split('.')[0]} if node.module else {a.name for a in node.names}
    return foreign, own & set(ROOMS)


@pytest.mark.parametrize('room', ROOMS)
def test_imports_run_one_way(room):
    files = list((PACKAGE/room).glob('*.py'))
    assert files
    for path in files:
        foreign, own = imported(path)
        assert not foreign & NEVER[room], path
        assert own - {room} <= ROOMS[room], path


def test_the_top_level_is_what_it_says():
    here = {p.name for p in PACKAGE.parent.iterdir() if not p.name.startswith('.') and p.name not in ('runs', 'build', 'dist')}
    assert here == {'pneumo_fastai', 'experiments', 'tests', 'pyproject.toml', 'README.md', 'LICENSE'}
