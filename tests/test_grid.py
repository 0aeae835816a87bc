from dataclasses import replace

import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.experiment import Experiment
from pneumo_fastai.grid import grid

BASE = Experiment()


def test_the_grid_of_all_in_the_order_typed():
    made = grid('weighted', BASE, ['lr=1e-4,3e-4', 'gradcam=true,false', 'seed=0,1,2'])
    first = [m.name for m in made.members][:4]
    assert first == [f'lr=0.0001,gradcam={o}' for o in ('true,seed=0', 'true,seed=1', 'true,seed=2', 'false,seed=0')]
    assert len(made.members) == len({m.name for m in made.members}) == 12
    assert made.members[-1].experiment == replace(BASE, lr=3e-4, gradcam=False, seed=2)


def test_the_folder_is_found_again_by_the_same_command_alone():
    def folder(name='weighted', base=BASE, words=('lr=1e-4,3e-4', 'seed=0,1')): return grid(name, base, words).folder
    assert folder() == folder(words=('lr=0.0001,0.0003', 'seed=0,1')) and folder().startswith('weighted-sweep-lr-seed-')
    others = folder('augmented'), folder(base=replace(BASE, size=64)), folder(words=('lr=1e-4,3e-4', 'seed=0,1,2'))
    assert len({folder(), *others}) == 4
    several = 'rotate', 'brightness', 'contrast', 'gamma', 'erase', 'mixup', 'label_smoothing', 'weight_decay'
    many = grid('w', BASE, [f'{k}=0.1,0.2' for k in several])
    assert len(many.folder.encode()) <= 120 and all(len(m.name) <= 120 for m in many.members) and len({m.name for m in many.members}) == 256


def test_a_name_that_makes_no_folder_is_told_from_its_like():
    a, b = grid('w', BASE, ['weights=/a/b,/a_b']).members
    assert '/' not in a.name + b.name and a.name != b.name and a.experiment.weights == '/a/b'


@pytest.mark.parametrize('words, says', [
    (['lr'], "sweep got 'lr', it takes FIELD=VALUE"), (['lr='], "sweep got 'lr='"), (['lrr=1,2'], "did you mean 'lr'"),
    (['lr=1e-4,x'], "lr got 'x'"), (['lr=1e-4,'], "lr got ''"), (['lr=1e-4,11'], 'lr=11.0: lr is 11.0'),
    (['loss=focal,dice'], "loss got 'dice'"),
    (['gradcam=yes,no'], 'true or false'), (['lr=1e-4,0.0001'], 'lr=0.0001 twice'), (['seed=0', 'seed=1'], 'seed twice'),
    (['seed=0'], 'has one member'), (['folds=3,5'], 'leave out --sweep, or folds'),
    (['mixup=0,1', 'cutmix=0,1'], 'mixup=1.0,cutmix=1.0: mixup and cutmix both mix')])
def test_what_cannot_be_is_refused_in_one_line(words, says):
    with pytest.raises(InputError) as e: grid('weighted', BASE, words)
    assert says in str(e.value) and '\n' not in str(e.value)


def test_folds_of_the_recipe_are_refused_too():
    with pytest.raises(InputError, match='folds'): grid('weighted', replace(BASE, folds=3), ['lr=1e-4,3e-4'])
