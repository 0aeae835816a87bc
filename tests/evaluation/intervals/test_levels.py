import numpy as np
import pytest
from scipy.stats import binom, binomtest, norm, ttest_1samp

from pneumo_fastai.evaluation.intervals import levels as L
from pneumo_fastai.evaluation.intervals.bootstrap import bootstrap_sums, four
from pneumo_fastai.evaluation.intervals.estimates import OF
from pneumo_fastai.evaluation.metrics import predictive_values, rates


def ends(found): return [found['low'], found['high']]


def rate(patient, right):
    columns = np.stack([np.ones(len(right)), right], axis=1)
    return L.of_sums(patient, columns, lambda s: dict(rate=s[:, 1]/s[:, 0]), dict(rate=((0,),)))['rate']


@pytest.mark.parametrize('right', [0, 1, 13, 29, 30])
def test_of_one_image_each_it_is_wilsons(right):
    expected = binomtest(right, 30).proportion_ci(method='wilson')
    assert ends(rate(np.arange(30), np.arange(30) < right)) == pytest.approx([expected.low, expected.high], abs=1e-6)


def test_a_patient_whose_images_all_agree_counts_once():
    right, patient = np.arange(40) < 33, np.arange(40)
    assert ends(rate(np.repeat(patient, 5), np.repeat(right, 5))) == pytest.approx(ends(rate(patient, right)))
    y, p = np.arange(40) % 3 == 0, np.random.default_rng(0).random(40)
    assert ends(L.of_auroc(np.repeat(patient, 5), np.repeat(y, 5).astype(int), np.repeat(p, 5))[1]) == \
        pytest.approx(ends(L.of_auroc(patient, y.astype(int), p)[1]))


def test_the_variance_is_the_linearised_one_of_a_ratio():
    "Cochran 1977, 6.11: the sum over patients of (right - rate x images) squared, over images squared."
    rng = np.random.default_rng(1)
    patient = np.repeat(np.arange(30), rng.integers(1, 9, 30))
    right = (rng.random(len(patient)) < .97)*(rng.random(30) < .7)[patient]  # a patient's images are nearly all right or all wrong
    v = right.mean()
    variance = sum((right[patient == k] - v).sum()**2 for k in range(30))/len(patient)**2
    columns = np.stack([np.ones(len(right)), right], axis=1)
    value, influence = (found['rate'] for found in L.influences(columns, lambda s: dict(rate=s[:, 1]/s[:, 0])))
    assert value == pytest.approx(v) and L.squares(patient, influence) == pytest.approx(variance, rel=1e-4)
    n, z = v*(1 - v)/variance, norm.ppf(.975)  # Wilson's formula at an n that is no whole number
    low = (v + z**2/2/n - z*np.sqrt(v*(1 - v)/n + z**2/4/n**2))/(1 + z**2/n)
    assert n < 30 and rate(patient, right)['low'] == pytest.approx(low, rel=1e-4)


def test_a_mean_of_either_sign_has_students_interval_over_patients():
    rng = np.random.default_rng(2)
    patient, values = np.repeat(np.arange(12), 5), rng.normal(.1, .1, 60) + np.repeat(rng.normal(0, .2, 12), 5)
    expected = ttest_1samp(values.reshape(12, 5).mean(1), 0).confidence_interval()  # all patients have as many images
    assert ends(L.of_signed(patient, dict(x=values))['x']) == pytest.approx([expected.low, expected.high])
    assert ends(L.of_signed(patient, dict(x=np.full(60, .3)))['x']) == [None, None] == ends(L.of_signed(['a']*60, dict(x=values))['x'])
    assert L.of_signed(np.arange(3), dict(x=np.array([.9, 1, 1])))['x']['high'] == 1


def test_where_nothing_went_wrong_the_interval_has_width():
    patient = np.arange(60)//2
    assert rate(patient, np.ones(60))['high'] == 1
    assert rate(patient, np.ones(60))['low'] == pytest.approx(binomtest(30, 30).proportion_ci(method='wilson').low)  # 30 patients
    y = (patient % 3 == 0).astype(int)
    auroc, found = L.of_auroc(patient, y, y + .1)
    n = 4*10*20/30  # as a mean over 10 patients and over 20
    assert auroc == 1 == found['high'] and found['low'] == pytest.approx(n/(n + norm.ppf(.975)**2))


def test_no_interval_of_one_patient():
    assert ends(rate(['a']*5, np.ones(5))) == [None, None] == ends(L.of_auroc(['a']*4, np.array([0, 1, 0, 1]), np.arange(4.))[1])
    assert ends(L.of_losses(['a']*4, dict(x=np.arange(4.)))['x']) == [None, None] == ends(L.of_losses([1, 2], dict(x=np.ones(2)))['x'])


def test_bounds_of_a_correlation():
    "Matthews' of 200 independent images: its Wald interval (the bootstrap's, with so many) and this one nearly agree."
    rng = np.random.default_rng(0)
    y = (rng.random(600) < .5).astype(int)
    p = np.where(rng.random(600) < .8, y, 1 - y).astype(float)
    args = np.arange(600), four(y, p, .5), lambda s: {'mcc': rates(*s.T)['mcc']}
    got, drawn = L.of_sums(*args, dict(mcc=((0, 1), (2, 3))))['mcc'], bootstrap_sums(*args)['mcc']
    assert ends(got) == pytest.approx(ends(drawn), abs=.01)
    worst = L.of_sums(np.arange(600), four(y, 1. - y, .5), args[2], dict(mcc=((0, 1), (2, 3))))['mcc']
    assert worst['low'] == -1 < worst['high'] < -.98


def test_a_mean_loss_is_never_below_zero_and_like_its_bootstrap_in_many_images():
    loss = np.random.default_rng(0).exponential(size=900)
    got = L.of_losses(np.arange(900), dict(x=loss))['x']
    half = norm.ppf(.975)*loss.std()/30
    assert ends(got) == pytest.approx([loss.mean() - half, loss.mean() + half], abs=.005)
    assert L.of_losses(np.arange(3), dict(x=np.array([0, 0, 1.])))['x']['low'] > 0


def test_shares_may_be_worth_more_than_their_images():
    share = .3 + .01*np.random.default_rng(0).normal(size=400)
    got = L.of_shares(np.arange(400), dict(x=share))['x']
    assert ends(got) == pytest.approx([share.mean() - 1.966*share.std()/20, share.mean() + 1.966*share.std()/20], abs=1e-5)
    nothing = L.of_shares(np.arange(9), dict(x=np.zeros(9)))['x']
    assert nothing['low'] == 0 and nothing['high'] == pytest.approx(binomtest(0, 9).proportion_ci(method='wilson').high)


def binomial(right, n):
    low, high = binomtest(right, n).proportion_ci(method='wilson')
    return dict(value=right/n, low=low, high=high)


@pytest.mark.parametrize('sensitivity, specificity', [(.9, .8), (.97, .95), (.8, .99)])
def test_predictive_values_at_a_stated_prevalence_are_covered(sensitivity, specificity):
    "Of every result that 40 images with and 60 without can have, weighed by its probability."
    truth, covered = predictive_values(sensitivity, specificity, .1), np.zeros(2)
    for i, j in np.ndindex(41, 61):
        p = binom.pmf(i, 40, sensitivity)*binom.pmf(j, 60, specificity)
        if p < 1e-6: continue
        for k, got in enumerate(L.predictive(binomial(i, 40), binomial(j, 60), .1)):
            covered[k] += p*(got['low'] <= truth[k] <= got['high'])
            assert got['low'] < got['high']
    assert (.93 <= covered).all() and (covered <= .985).all()


def test_images_of_a_patient_that_have_nothing_in_common_count_nearly_as_many():
    "3,000 images, three a patient: the interval is about that of 3,000 patients, and that of 1,000 much."
    rng = np.random.default_rng(0)
    right, y, p = rng.random(3000) < .9, rng.integers(0, 2, 3000), rng.random(3000)
    def width(found): return found['high'] - found['low']
    for of in (lambda patient: rate(patient, right), lambda patient: L.of_auroc(patient, y, np.where(y == 1, p**.2, p))[1]):
        assert .95 < width(of(np.arange(3000)//3))/width(of(np.arange(3000))) < 1.12
    assert width(rate(np.arange(1000), right[:1000]))/width(rate(np.arange(3000), right)) > 1.5


RUNS, LEAST = 2000, .93


def sample(rng, auroc, patients, images, prevalence=.4, rho=.5):
    """patient, label, score of `images`, one at least of each patient, who share a label and a random effect (`rho` of the variance):
    AUROC is Phi(shift/sqrt 2) and sensitivity Phi(shift - threshold), whatever the clusters."""
    patient = np.repeat(np.arange(patients), 1 + np.bincount(rng.integers(0, patients, images - patients), minlength=patients))
    y = (rng.random(patients) < prevalence).astype(int)[patient]
    noise = np.sqrt(rho)*rng.normal(size=patients)[patient] + np.sqrt(1 - rho)*rng.normal(size=images)
    return patient, y, np.sqrt(2)*norm.ppf(auroc)*y + noise


def missed(truth, intervals):
    "Shares of intervals that lie above the truth and below it."
    low, high = np.array([[i['low'], i['high']] for i in intervals]).T
    return (low > truth).mean(), (high < truth).mean()


@pytest.mark.slow
@pytest.mark.parametrize('auroc, patients, images', [(.9, 170, 200), (.97, 170, 200), (.99, 170, 200), (.97, 60, 70), (.998, 430, 500),
                                                     (.9, 60, 150)])
def test_how_often_an_interval_holds_the_auroc(auroc, patients, images):
    rng = np.random.default_rng(0)
    above, below = missed(auroc, [L.of_auroc(*sample(rng, auroc, patients, images))[1] for _ in range(RUNS)])
    assert 1 - above - below >= LEAST and max(above, below) < .05, (above, below)


@pytest.mark.slow
@pytest.mark.parametrize('auroc, patients, images, wrong', [(.98, 170, 200, .03), (.99, 430, 500, .01)])
def test_and_where_some_labels_are_wrong(auroc, patients, images, wrong):
    "Of the patients called ill, `wrong` look like the healthy: half of their pairs are lost. A set may hold none of them to tell."
    rng, found = np.random.default_rng(2), []
    others = (auroc - wrong/2)/(1 - wrong)
    for _ in range(RUNS):
        patient, y, z = sample(rng, others, patients, images)
        z = z - np.sqrt(2)*norm.ppf(others)*y*(rng.random(patients) < wrong)[patient]
        found.append(L.of_auroc(patient, y, z)[1])
    assert 1 - sum(missed(auroc, found)) >= LEAST


@pytest.mark.slow
@pytest.mark.parametrize('sensitivity, patients, images', [(.9, 170, 200), (.95, 170, 200), (.98, 170, 200), (.95, 60, 70), (.95, 60, 180)])
def test_how_often_an_interval_holds_a_rate(sensitivity, patients, images):
    "Sensitivity, specificity and accuracy, all of them `sensitivity` where the threshold lies midway."
    rng, found, shift = np.random.default_rng(1), {}, 2*norm.ppf(sensitivity)
    for _ in range(RUNS):
        patient, y, z = sample(rng, norm.cdf(shift/np.sqrt(2)), patients, images)
        of = {k: OF[k] for k in ('recall', 'specificity', 'accuracy', 'balanced_accuracy')}
        intervals = L.of_sums(patient, four(y, z, shift/2), lambda s: rates(*s.T), of)
        for k, interval in intervals.items(): found.setdefault(k, []).append(interval)
    for k, intervals in found.items():
        above, below = missed(sensitivity, intervals)
        assert 1 - above - below >= LEAST, (k, above, below)


@pytest.mark.parametrize('n, truth', [(30, .95), (30, .98), (18, .9)])
def test_how_often_an_interval_holds_a_proportion_of_one_image_a_patient(n, truth):
    "Every count that can come, by its probability: no simulation."
    covered = 0
    for right in range(n + 1):
        columns = np.stack([np.ones(n), np.arange(n) < right], axis=1)
        got = L.of_sums(np.arange(n), columns, lambda s: dict(x=s[:, 1]/s[:, 0]), dict(x=((0,),)))['x']
        covered += binom.pmf(right, n, truth)*(got['low'] <= truth <= got['high'])
    assert covered >= LEAST
