"The sentences say what the numbers do."
import json

import pytest

from pneumo_fastai.inference.model import Prediction
from pneumo_fastai.page.answer import Answer
from pneumo_fastai.page.verdict import at_prevalence, called, means, of_hundred


def answer(calibrated=.73, found='pneumonia', networks=(), disagreement=None):
    return Answer('a.dcm', None, None, Prediction(.8, calibrated, 'pneumonia', found, (), disagreement), networks)


def block(**rates): return {k: dict(value=v, low=low, high=high) for k, (v, low, high) in rates.items()}


METRICS = dict(test=dict(prevalence=.3, at_threshold=dict(block(recall=(.9, .8, .95), specificity=(.8, .7, .9)), n=200, patients=150)))


@pytest.mark.parametrize('p, says', [(0, 'fewer than 1'), (.004, 'fewer than 1'), (.006, 'about 1'), (.73, 'about 73'), (.994, 'about 99'),
                                     (.996, 'more than 99'), (1, 'more than 99')])
def test_of_a_hundred_never_none_and_never_all(p, says): assert of_hundred(p) == says


def test_a_probability_is_a_count_of_images_like_those_of_the_data():
    first, such, *_ = means(answer(), dict(data='films'), METRICS)
    assert first == 'Of 100 such images about 73 show pneumonia.' and 'those of films, where 30.0% have it' in such
    assert 'have it' not in means(answer(), dict(data='films'), None)[1]


@pytest.mark.parametrize('found, says', [('pneumonia', 'No pneumonia is ruled out, pneumonia is left'), (None, 'no conformal limits'),
                                         ('no pneumonia', 'Pneumonia is ruled out, no pneumonia is left'), ('cannot tell', 'Neither class'),
                                         ('neither', 'Both classes are ruled out')])
def test_the_conformal_set_in_words(found, says):
    said = means(answer(found=found), dict(conformal=dict(error_rate=.1)), None)[-1]
    assert says in said and ('at most 10% of its images' in said) == (found is not None)


def test_an_ensemble_says_from_where_to_where_and_whether_it_is_torn():
    alone, = (s for s in means(answer(), {}, None) if 'network' in s)
    assert 'One network was asked' in alone
    several = dict(networks=(.61, .84, .7), disagreement=.2)
    for usual, wary in ((.1, True), (.3, False), (None, False)):
        said, = (s for s in means(answer(**several), dict(disagreement_90=usual), None) if 'networks' in s)
        assert '3 networks say 61 to 84 of 100' in said and ('be wary' in said) == wary


def test_the_call_names_number_and_threshold():
    said = called(answer(), dict(threshold=.5, threshold_from='youden on valid'))
    assert said.startswith('Called pneumonia') and '0.800' in said and 'at or above the threshold of 0.500 (youden on valid).' in said


def test_at_a_prevalence_counts_and_predictive_values_follow_by_bayes_rule():
    counts, values, caution = at_prevalence(METRICS, .1)
    assert '100 of 1,000 have it. The model finds 90 of them, misses 10, and raises 180 false alarms' in counts
    assert 'calls pneumonia 33% have it' in values and 'calls no pneumonia 99% have none' in values and '. Of those' in values
    assert '0.900 [0.80, 0.95]' in caution and '200 test images of 150 patients' in caution


def test_a_test_set_of_one_class_has_none():
    one = json.loads(json.dumps(METRICS))
    one['test']['at_threshold']['recall']['value'] = None
    assert at_prevalence(one, .1) == ['Not defined: the test set has one class.']


def test_rates_without_an_interval_have_values_without_one():
    bare = dict(test=dict(at_threshold=dict(block(recall=(1., None, None), specificity=(0., None, None)), n=9, patients=1)))
    counts, values, _ = at_prevalence(bare, .5)
    assert 'finds 500 of them, misses 0, and raises 500' in counts and values == 'Of the images it calls pneumonia 50% have it.'
