import numpy as np
import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation import thresholds as O
from pneumo_fastai.evaluation.settings import Settings, rule


def test_bad_choices():
    for bad in (dict(sensitivity=1.), dict(prevalence=0.), dict(error_rate=2), dict(miss=0), dict(alarm=float('inf'))):
        with pytest.raises(InputError): Settings(**bad)
    with pytest.raises(InputError, match='youden, sensitivity'): O.choose([0, 1], [.1, .2], 'best', Settings())
    with pytest.raises(InputError, match='share above 0'): O.threshold_at_sensitivity([0, 1], [.1, .2], 90)


def test_an_operating_point_as_it_is_typed():
    assert rule('youden') == dict(rule='youden') and rule('cost=5') == dict(rule='cost', miss=5.)
    for name in ('sensitivity', 'specificity'): assert rule(f'{name}=.95') == {'rule': name, name: .95}
    for bad in ('best', 'cost=x', 'youden=1', 'sensitivity', ''):
        with pytest.raises(InputError, match='it takes youden'): rule(bad)


def test_the_prevalence_of_a_cost_is_the_stated_one_or_that_of_the_labels():
    assert [Settings(prevalence=o).cost_prevalence(np.array([0, 0, 0, 1])) for o in (.1, None)] == [.1, .25]
