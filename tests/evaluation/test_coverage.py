"""How often an interval of 95% holds the truth, in sets of which it is known: binormal scores, several images of a patient for some.

A patient's images share a label and a random effect (half of the variance), so that AUROC is Phi(shift/sqrt 2) and sensitivity
Phi(shift - threshold), whatever the clusters. By `pytest -m slow`.
"""
import numpy as np
import pytest
from scipy.stats import binom, norm

from pneumo_fastai.evaluation.bootstrap import four
from pneumo_fastai.evaluation.estimates import OF
from pneumo_fastai.evaluation.levels import of_auroc, of_sums
from pneumo_fastai.evaluation.metrics import rates

pytestmark = pytest.mark.slow
RUNS = 2000
LEAST = .93


def sample(rng, auroc, patients, images, prevalence=.4, rho=.5):
    "patient, label, score of `images`, one at least of each patient."
    patient = np.repeat(np.arange(patients), 1 + np.bincount(rng.integers(0, patients, images - patients), minlength=patients))
    y = (rng.random(patients) < prevalence).astype(int)[patient]
    noise = np.sqrt(rho)*rng.normal(size=patients)[patient] + np.sqrt(1 - rho)*rng.normal(size=images)
    return patient, y, np.sqrt(2)*norm.ppf(auroc)*y + noise


def missed(truth, intervals):
    "Shares of intervals that lie above the truth and below it."
    low, high = np.array([[i['low'], i['high']] for i in intervals]).T
    return (low > truth).mean(), (high < truth).mean()


@pytest.mark.parametrize('auroc, patients, images', [(.9, 170, 200), (.97, 170, 200), (.99, 170, 200), (.97, 60, 70), (.998, 430, 500),
                                                     (.9, 60, 150)])
def test_auroc(auroc, patients, images):
    rng = np.random.default_rng(0)
    above, below = missed(auroc, [of_auroc(*sample(rng, auroc, patients, images))[1] for _ in range(RUNS)])
    assert 1 - above - below >= LEAST and max(above, below) < .05, (above, below)


@pytest.mark.parametrize('auroc, patients, images, wrong', [(.98, 170, 200, .03), (.99, 430, 500, .01)])
def test_auroc_where_some_labels_are_wrong(auroc, patients, images, wrong):
    "Of the patients called ill, `wrong` look like the healthy: half of their pairs are lost. A set may hold none of them to tell."
    rng, found = np.random.default_rng(2), []
    others = (auroc - wrong/2)/(1 - wrong)
    for _ in range(RUNS):
        patient, y, z = sample(rng, others, patients, images)
        z = z - np.sqrt(2)*norm.ppf(others)*y*(rng.random(patients) < wrong)[patient]
        found.append(of_auroc(patient, y, z)[1])
    assert 1 - sum(missed(auroc, found)) >= LEAST


@pytest.mark.parametrize('sensitivity, patients, images', [(.9, 170, 200), (.95, 170, 200), (.98, 170, 200), (.95, 60, 70), (.95, 60, 180)])
def test_rates(sensitivity, patients, images):
    "Sensitivity, specificity and accuracy, all of them `sensitivity` where the threshold lies midway."
    rng, found, shift = np.random.default_rng(1), {}, 2*norm.ppf(sensitivity)
    for _ in range(RUNS):
        patient, y, z = sample(rng, norm.cdf(shift/np.sqrt(2)), patients, images)
        of = {k: OF[k] for k in ('recall', 'specificity', 'accuracy', 'balanced_accuracy')}
        intervals = of_sums(patient, four(y, z, shift/2), lambda s: rates(*s.T), of)
        for k, interval in intervals.items(): found.setdefault(k, []).append(interval)
    for k, intervals in found.items():
        above, below = missed(sensitivity, intervals)
        assert 1 - above - below >= LEAST, (k, above, below)


@pytest.mark.parametrize('n, truth', [(30, .95), (30, .98), (18, .9)])
def test_a_proportion_of_one_image_a_patient(n, truth):
    "Every count that can come, by its probability: no simulation."
    covered = 0
    for right in range(n + 1):
        columns = np.stack([np.ones(n), np.arange(n) < right], axis=1)
        got = of_sums(np.arange(n), columns, lambda s: dict(x=s[:, 1]/s[:, 0]), dict(x=((0,),)))['x']
        covered += binom.pmf(right, n, truth)*(got['low'] <= truth <= got['high'])
    assert covered >= LEAST
