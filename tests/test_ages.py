import numpy as np
import pytest

from pneumo_fastai.ages import BANDS, age_band


@pytest.mark.parametrize('age, band', [(0, '0 to 17'), (17.9, '0 to 17'), (18, '18 to 39'), (59, '40 to 59'), (74.9, '60 to 74'),
                                       (75, '75 and older'), (120, '75 and older'), (120.5, 'not plausible'), (148, 'not plausible'),
                                       (-1, 'not plausible'), (np.inf, 'not plausible'), (np.nan, 'not stated')])
def test_an_age_has_one_band(age, band): assert age_band(age) == band


def test_the_bands_are_in_order_and_leave_nothing_out():
    assert list(dict.fromkeys(map(age_band, range(122)))) == list(BANDS)
