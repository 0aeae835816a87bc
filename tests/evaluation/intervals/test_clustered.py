import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pneumo_fastai.evaluation.comparison import delong_test
from pneumo_fastai.evaluation.intervals import clustered as C


def sample(seed=0, n=90, decimals=1):
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < .4).astype(int)
    return rng, y, (rng.normal(size=n) + y).round(decimals)  # rounded, so that there are ties


def wins(y, p):
    "Every pair spelled out [positives, negatives]."
    a, b = p[y == 1][:, None], p[y == 0]
    return (a > b) + .5*(a == b)


def obuchowski(patient, y, p):
    "The formulas of Obuchowski 1997, section 2, as they stand there, patient by patient."
    psi, ill, well = wins(y, p), patient[y == 1], patient[y == 0]
    auc, (m, n) = psi.mean(), psi.shape
    v10, v01, who = psi.mean(1), psi.mean(0), set(patient)
    i10, i01, i = len(set(ill)), len(set(well)), len(who)
    tens = {k: sum(v10[ill == k] - auc) for k in who}
    ones = {k: sum(v01[well == k] - auc) for k in who}
    s10 = i10/((i10 - 1)*m)*sum(v**2 for v in tens.values())
    s01 = i01/((i01 - 1)*n)*sum(v**2 for v in ones.values())
    s11 = i/(i - 1)*sum(tens[k]*ones[k] for k in who)
    return auc, s10/m + s01/n + 2*s11/(m*n)


@pytest.mark.parametrize('decimals', [1, 12])
def test_variance_is_that_of_the_paper(decimals):
    rng, y, p = sample(decimals=decimals)
    patient = rng.integers(0, 40, len(y))  # some have images of both classes
    auroc, influence = C.auroc_influence(y, p)
    expected = obuchowski(patient, y, p)
    assert auroc == pytest.approx(roc_auc_score(y, p)) and auroc == pytest.approx(expected[0])
    assert C.covariance(patient, y, [influence])[0, 0] == pytest.approx(expected[1])


def test_two_patients_by_hand():
    "Patient a: 3 (ill), 1 (well); b: 2 (ill), 0 (well). Of four pairs all are won: 1. With b's 2 as 0.5: 3 of 4."
    patient, y = np.array(['a', 'a', 'b', 'b']), np.array([1, 0, 1, 0])
    auroc, influence = C.auroc_influence(y, np.array([3, 1, .5, 0]))
    assert auroc == .75 and influence == pytest.approx([.125, -.125, -.125, .125])
    # V10: a 1, b 1/2; V01: a 1/2, b 1; I = 2 throughout. S10 = 2/(1*2)*(1/16 + 1/16) = 1/8 = S01; S11 = 2*(-1/16 - 1/16) = -1/4
    assert C.covariance(patient, y, [influence])[0, 0] == pytest.approx(1/16 + 1/16 - 2*.25/4)


def test_of_one_image_each_it_is_delong():
    _, y, p = sample()
    psi = wins(y, p)
    expected = psi.mean(1).var(ddof=1)/psi.shape[0] + psi.mean(0).var(ddof=1)/psi.shape[1]
    assert C.covariance(np.arange(len(y)), y, [C.auroc_influence(y, p)[1]])[0, 0] == pytest.approx(expected)


def test_images_that_repeat_within_their_patient_add_nothing():
    rng, y, p = sample()
    patient = rng.integers(0, 40, len(y))
    def found(k): return C.covariance(*(np.repeat(v, k) for v in (patient, y)), [C.auroc_influence(np.repeat(y, k), np.repeat(p, k))[1]])
    assert found(3) == pytest.approx(found(1))


def test_within_strata_only_their_pairs_count():
    rng, y, p = sample()
    stratum = rng.integers(0, 3, len(y))
    parts = [(roc_auc_score(y[s], p[s]), y[s].sum()*(1 - y[s]).sum()) for s in (stratum == k for k in range(3))]
    expected = np.average([a for a, _ in parts], weights=[n for _, n in parts])
    auroc, influence = C.auroc_influence(y, p, stratum)
    moved = C.auroc_influence(y, np.where(stratum == 1, p + 7, p), stratum)  # another scale in one stratum changes nothing
    assert auroc == pytest.approx(expected) == moved[0] and influence == pytest.approx(moved[1]) and abs(influence.sum()) < 1e-12


def test_no_pair():
    assert np.isnan(C.auroc_influence(np.ones(3), np.arange(3.))[0])
    assert np.isnan(C.auroc_influence(np.array([0, 1]), np.arange(2.), np.array([0, 1]))[0])


def rejections(runs, patients, images, seed=0):
    "Of two models equally good, how often p < 0.05: over patients, and were each image its own."
    rng, out = np.random.default_rng(seed), []
    patient = np.repeat(np.arange(patients), images)
    y = (np.arange(patients) % 5 < 2).astype(int)[patient]
    for _ in range(runs):
        a, b = (1.5*y + .9*rng.normal(size=patients)[patient] + .45*rng.normal(size=len(y)) for _ in range(2))
        out.append([delong_test(who, y, *(1/(1 + np.exp(-z)) for z in (a, b)))['p'] < .05 for who in (patient, np.arange(len(y)))])
    return np.mean(out, axis=0)


@pytest.mark.slow
def test_where_nothing_differs_one_test_in_twenty_says_so():
    "1,000 sets: 5% give or take 2.1% (three standard errors). As if images were independent, it is a third of them."
    clustered, independent = rejections(1000, 80, 4)
    assert .03 <= clustered <= .071 and independent > .25
