import json
from dataclasses import replace

import numpy as np
import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation.external import evaluate_elsewhere, settings
from pneumo_fastai.evaluation.intervals.levels import of_difference
from pneumo_fastai.evaluation.results import evaluate
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.runs.folder import read_run

FEW = Settings(n_boot=20)


@pytest.fixture(scope='module')
def run(tmp_path_factory, write_run): return read_run(write_run(tmp_path_factory.mktemp('external')/'run'))


@pytest.fixture(scope='module')
def own(run): return dict(data='films', synthetic=False, **evaluate(run.predictions, cohort=run.cohort, choices=FEW))


def test_of(table): return table[table.split == 'test']
test_of.__test__ = False


def flat(found, at=''):
    if isinstance(found, dict): return {k: v for name, part in found.items() for k, v in flat(part, f'{at}/{name}').items()}
    if isinstance(found, list): return {k: v for i, part in enumerate(found) for k, v in flat(part, f'{at}/{i}').items()}
    return {at: found}


def test_on_the_runs_own_test_images_it_says_what_the_run_says(run, own):
    found = evaluate_elsewhere(test_of(run.predictions), test_of(run.cohort), own, settings(own), run.trained_on)
    same = 'threshold', 'valid', 'test', 'balanced', 'operating_points', 'baseline', 'calibration', 'uncertainty', 'choices'
    for part in same:
        a, b = flat(found[part]), flat(own[part])
        assert a.keys() == b.keys(), part
        for k, v in b.items(): assert a[k] == (pytest.approx(v, abs=1e-12) if isinstance(v, float) else v), (part, k)
    assert all(m['value'] == pytest.approx(0, abs=1e-12) for m in found['difference']['at_threshold'].values() if m['value'] is not None)
    assert found['expected']['precision']['value'] == pytest.approx(own['test']['at_threshold']['precision']['value'])


@pytest.fixture(scope='module')
def moved(run, own):
    "Where probabilities are lower by a unit of log-odds, and patients others."
    test = test_of(run.predictions).copy()
    test['probability'] = 1/(1 + np.exp(1.5)*(1 - test.probability)/test.probability)
    return evaluate_elsewhere(test, test_of(run.cohort), own, settings(own), run.trained_on), test


def test_nothing_is_fitted_to_the_images(moved, own, sound):
    found, _ = sound(json.loads(json.dumps(moved[0]))), moved[1]
    assert found['threshold'] == own['threshold'] and found['valid'] == own['valid']
    for k in ('chosen', 'log_loss', 'candidates'): assert found['calibration'][k] == own['calibration'][k]
    assert found['uncertainty']['conformal']['fitted'] == own['uncertainty']['conformal']['fitted']
    assert [p['threshold'] for p in found['operating_points']] == [p['threshold'] for p in own['operating_points']]
    assert [c['cut'] for c in found['uncertainty']['referral']] == [c['cut'] for c in own['uncertainty']['referral']]
    assert found['calibration']['after']['in_the_large']['value'] > 1 > own['calibration']['after']['in_the_large']['value']


def test_the_threshold_that_fits_there_is_another_and_the_ranking_the_same(moved, own):
    found, _ = moved
    assert found['fitting']['value'] < own['threshold']['value'] and found['fitting']['rule'].endswith('on these very images')
    assert found['difference']['at_threshold']['auroc']['value'] == pytest.approx(0)
    assert found['difference']['at_threshold']['recall']['value'] < -.1 < found['fitting']['recall']['value'] - own['test']['at_threshold'][
        'recall']['value']


def test_one_class_alone_is_refused(run, own):
    with pytest.raises(InputError, match='of one class'):
        evaluate_elsewhere(test_of(run.predictions).query('label == 1'), test_of(run.cohort), own, settings(own))


def test_what_the_view_tells_is_learnt_here_where_training_states_none(run, own):
    def of(cohort, train): return evaluate_elsewhere(test_of(run.predictions), cohort, own, settings(own), train)['baseline']
    here = test_of(run.cohort)
    assert 'view' not in of(here.assign(view=None), run.trained_on) and 'fitted' not in of(here, run.trained_on)['view']
    telling = here.assign(view=np.where(here.label == 1, 'AP', 'PA'))
    for train in (None, run.trained_on.assign(view=None)):
        assert of(telling, train)['view']['auroc']['value'] == 1 and of(telling, train)['view']['fitted']


def test_metrics_of_an_older_version_say_what_would_do(own):
    assert settings(own, n_boot=7) == replace(FEW, n_boot=7)
    old = json.loads(json.dumps(own))
    for row in old['uncertainty']['referral']: del row['cut']
    for broken in (old, {}, {k: v for k, v in own.items() if k != 'choices'}):
        with pytest.raises(InputError, match='measures it anew'): settings(broken)


def test_the_interval_of_a_difference_is_that_of_resampling_each_set_by_itself():
    "Of two shares of 400 and 300 independent images."
    rng = np.random.default_rng(0)
    from pneumo_fastai.evaluation.intervals.levels import wilson
    def share(p, n): return dict(zip(('low', 'high'), wilson(p, n), strict=True), value=p)
    found = of_difference(share(.8, 400), share(.9, 300))
    drawn = rng.binomial(400, .8, 100_000)/400 - rng.binomial(300, .9, 100_000)/300
    np.testing.assert_allclose([found['low'], found['high']], np.quantile(drawn, [.025, .975]), atol=.006)
    nothing = dict(value=None, low=None, high=None, reason='not defined, because x')
    assert of_difference(nothing, share(.9, 300)) == nothing
