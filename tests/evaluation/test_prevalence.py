import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from pneumo_fastai.evaluation.calibrators import sigmoid
from pneumo_fastai.evaluation.prevalence import corrected, saerens


def shifted_scores(prevalence, old=.4, n=60_000, seed=0):
    "Labels and scores N(+-1, 1), of which the log-odds at the prevalence `old` are 2 s + log(old/(1 - old)): calibrated there, exactly."
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < prevalence).astype(int)
    return y, sigmoid(2*rng.normal(2*y - 1) + np.log(old/(1 - old)))


@pytest.mark.parametrize('truth', [.05, .3, .4, .9])
def test_the_prevalence_is_found_without_labels_where_it_alone_differs(truth):
    _, p = shifted_scores(truth)
    found, q = saerens(p, .4)
    assert found == pytest.approx(truth, abs=.01) and q.mean() == pytest.approx(found, abs=1e-6)
    np.testing.assert_allclose(q, corrected(p, .4, found))


def test_it_is_the_one_of_greatest_likelihood():
    "Of the mixture of the two densities, whose ratio the calibrated odds and the old prevalence say."
    _, p = shifted_scores(.15, n=300)
    ratio = p/(1 - p)*.6/.4
    best = minimize_scalar(lambda s: -np.log(s*ratio + 1 - s).sum(), bounds=(1e-6, 1 - 1e-6), method='bounded', options=dict(xatol=1e-9))
    assert saerens(p, .4)[0] == pytest.approx(best.x, abs=1e-5)


def test_the_correction_is_bayes_rule():
    p = np.linspace(.01, .99, 25)
    odds = p/(1 - p)*(.1/.9)/(.4/.6)
    np.testing.assert_allclose(corrected(p, .4, .1), odds/(1 + odds))
    np.testing.assert_allclose(corrected(p, .4, .4), p)


def test_where_sick_and_healthy_look_otherwise_the_guess_is_wrong():
    "Scores that all lie higher are taken for more pneumonia."
    _, p = shifted_scores(.4)
    found = saerens(sigmoid(np.log(p/(1 - p)) + 3), .4)[0]
    assert found > .7


def test_of_one_kind_of_image_alone_it_stays_a_number():
    for value in (0., 1e-9, 1.): assert 0 < saerens(np.full(20, value), .4)[0] < 1
