from dataclasses import replace

import pytest

from pneumo_fastai.experiment import load_experiment
from pneumo_fastai.report.tables.named import as_shipped, distinct, name_of, precision
from pneumo_fastai.report.tables.recipes import by_table
from pneumo_fastai.runs.search import search


@pytest.fixture(scope='module')
def one(tmp_path_factory, write_trained):
    return search([write_trained(tmp_path_factory.mktemp('study')/'w', size=64, epochs=2)]).runs[0]


def test_the_name_says_what_differs_from_what_is_shipped(tmp_path, write_trained):
    run = search([write_trained(tmp_path/'a', 'localise', precision='float32', tta=0, flip=0.)]).runs[0].run
    assert name_of(run) == 'localise, flip 0.0'
    run.name = 'localise, lr=0.001, seed=3'  # of a sweep
    assert name_of(run) == 'localise, flip 0.0'
    run.experiment = replace(run.experiment, weights='/home/somebody/runs/weighted-1')
    assert name_of(run) == 'localise, weights weighted-1, flip 0.0'  # where it lies is the machine's business
    run.name = 'my own'
    assert name_of(run).startswith('my own, output_stride 16, weights weighted-1, class_weights balanced')
    recipes = [load_experiment('densenet121', seed=k)[1] for k in (0, 1)]
    run.name, run.experiment = 'ensemble of 2 networks (densenet121, seed=0, densenet121, seed=1)', recipes[0]
    run.environment['networks'] = [dict(recipe=e.__dict__) for e in recipes]
    assert name_of(run) == 'ensemble of 2 networks (densenet121)'


def test_what_has_the_recipe_of_the_reference_is_it_by_any_name(tmp_path, write_trained):
    write_trained(tmp_path/'a', class_weights='balanced')
    run = search([tmp_path]).runs[0].run
    run.name = 'mine'
    assert name_of(run) == 'weighted'
    run.name = 'gradcam'
    assert name_of(run) == 'gradcam'  # the same, measured otherwise
    run.name = 'weighted, fold 1 of 5'
    assert name_of(run) == 'weighted, fold 1 of 5'


def test_an_ensemble_is_as_shipped_where_all_of_its_networks_are(one):
    def ensemble(*fields):
        recipes = [dict(recipe=load_experiment('weighted', seed=k, **f)[1].__dict__) for k, f in enumerate(fields)]
        run = replace(one.run, name='ensemble of 2 networks (weighted)', experiment=load_experiment('weighted')[1])
        run.environment = dict(run.environment, networks=recipes)
        return replace(one, run=run)
    plain, longer, faster = ensemble({}, {}), ensemble({}, dict(epochs=8)), ensemble({}, dict(lr=1e-3))
    assert [as_shipped(o.run) for o in (plain, longer, faster)] == [True, False, False]
    assert name_of(faster.run) == 'ensemble of 2 networks (weighted), lr 0.0001, 0.001'
    assert len(by_table([one, longer, plain])) == 3  # whose epochs are a text beside a number


def test_an_ensemble_was_trained_in_what_its_networks_were(one):
    def ensemble(*kinds):
        networks = [dict(hardware=f'cpu, a Xeon, {kind}, 1 thread') for kind in kinds]
        return replace(one.run, experiment=load_experiment('weighted')[1], environment=dict(networks=networks))
    assert precision(ensemble('bfloat16', 'bfloat16')) == 'bfloat16'
    assert precision(ensemble('bfloat16', 'float32')) == 'float32 and bfloat16'
    assert precision(replace(ensemble(), environment={})) == 'auto'


def test_a_recipe_in_two_precisions_has_one_name_in_all_tables(tmp_path, write_trained):
    for draw, (kind, epochs) in enumerate([('float32', 2), ('bfloat16', 2), ('float32', 3)]):
        write_trained(tmp_path/f'{draw}', size=64, epochs=epochs, draw=draw, hardware=dict(precision=kind))
    a, b, c = ({(0, 0): one} for one in search([tmp_path]).runs)
    assert distinct([a, b]) == ['weighted, float32', 'weighted, bfloat16']
    sizes = [f', 64 px, {n} epochs' for n in (2, 2, 3)]
    assert distinct([a, b, c]) == [n + s for n, s in zip([*distinct([a, b]), 'weighted'], sizes, strict=True)]
