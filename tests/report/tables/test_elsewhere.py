from dataclasses import replace

import pytest

from pneumo_fastai.report.tables.elsewhere import HEADER, cells, lacking, on_screen, rows
from pneumo_fastai.runs.search import search


@pytest.fixture(scope='module')
def one(measured_elsewhere): return search([measured_elsewhere[1]]).elsewhere[0]


def test_a_row_says_where_the_model_is_from_what_it_met_and_what_it_did(one):
    row, = rows([one])
    own, here = (m['test']['at_threshold'] for m in (one.run.of['metrics'], one.metrics))
    said = [row['values'][k] for k in ('own', 'auroc', 'recall')]
    assert said == [[own['auroc']], [here['auroc']], [here['recall']]] and row['n'] == here['n']
    assert row['trained'].startswith(f'{one.run.source}: weighted') and row['seeds'] == [[0, 0]]
    assert len(cells(row)) == len(HEADER) and cells(row)[1:3] == ('1', 'drawn') and not lacking([row]) and '[' in cells(row)[6]
    header, (screen,) = on_screen([row])
    assert len(header) == len(screen) == 4 and '\n[' in screen[3]


def test_a_model_whose_own_test_is_of_one_kind_says_so(one):
    run = replace(one.run, experiment=replace(one.run.experiment, held_out='dark'))
    row, = rows([replace(one, run=run)])
    assert row['trained'].endswith(', held_out dark')


def test_a_network_with_norms_of_that_place_says_so(one):
    run = replace(one.run, of=one.run.of | dict(norms=128))
    assert [r['trained'].partition(', norms')[2] for r in rows([one, replace(one, at='b', run=run)])] == ['', ' of 128 patients there']


def test_seeds_are_one_row_with_what_another_one_changes(one):
    def seed(k, auroc, at):
        there = dict(one.metrics['test']['at_threshold'], auroc=dict(one.metrics['test']['at_threshold']['auroc'], value=auroc))
        run = replace(one.run, experiment=replace(one.run.experiment, seed=k))
        return replace(one, run=run, at=at, metrics=dict(one.metrics, test=dict(one.metrics['test'], at_threshold=there)))
    first, again = rows([seed(0, .7, 'a'), seed(1, .9, 'b'), seed(1, .5, 'c')])
    assert (first['at'], again['at']) == (['a', 'b'], ['c']) and first['seeds'] == [[0, 0], [1, 0]]
    assert cells(first)[1] == '2' and cells(first)[6] == '0.800 \u00b1 0.141' and cells(again)[6].startswith('0.500 [')


def test_of_two_rows_of_one_name_the_machine_is_told(one):
    def by(processor, at): return replace(one, at=at, run=replace(one.run, environment=one.run.environment | dict(processor=processor)))
    names = [r['trained'] for r in rows([by('a Xeon', 'a'), by('an EPYC', 'b'), by('an EPYC', 'c')])]
    assert 'a Xeon' in names[0] and not names[0].endswith('(a)') and [n.split(' (')[-1] for n in names[1:]] == ['b)', 'c)']


def test_what_was_trained_on_other_images_of_that_name_is_another_row(one):
    def on(images, k): return replace(one, at=images, run=replace(one.run, of=one.run.of | dict(images=images),
                                                                  experiment=replace(one.run.experiment, seed=k)))
    both = rows([on('a', 0), on('b', 1)])
    assert [len(r['seeds']) for r in both] == [1, 1] and {r['trained'][-4:] for r in both} == {' (a)', ' (b)'}
    assert len(rows([on('a', 0), on('a', 1)])) == 1 and len(one.run.of['images']) == 64


def test_what_older_files_do_not_say_is_a_dash_and_named(one):
    row, = rows([type(one)(one.run, dict(one.metrics, calibration={}), one.at)])
    assert cells(row)[-2:] == ('\u2013', '\u2013') and lacking([row]) == [one.at]


def test_an_ensemble_is_one_elsewhere_too(one):
    recipes = [dict(recipe=dict(one.run.recipe, seed=k)) for k in (0, 1)]
    run = replace(one.run, name='ensemble of 2 networks (weighted)', environment=dict(one.run.environment, networks=recipes))
    row, = rows([replace(one, run=run)])
    assert 'ensemble of 2 networks (weighted)' in row['trained'] and cells(row)[1] == '2 networks'
