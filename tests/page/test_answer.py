from dataclasses import replace

import numpy as np
import pytest

from pneumo_fastai.data.decoding.dicom import Film, read_square
from pneumo_fastai.errors import UnreadableImage
from pneumo_fastai.inference.model import Prediction
from pneumo_fastai.page.answer import Answer, answer, facts, warnings
from pneumo_fastai.page.picture import look

FILM = Film(np.zeros((2, 2), np.uint8), 3000, 2500, 'window', view='PA', sex='F', age=51., patient='0123456789abcdef', spacing=.143)


def test_it_is_what_the_model_says_and_holds_no_film(subject, raw, films):
    found = answer(subject.model, 'a.png', raw)
    path = sorted(films.rglob('person*.png'))[0]
    assert found.prediction == subject.model.predict(path) and found.networks == ()
    np.testing.assert_array_equal(found.image, subject.bundle.pixels(path))
    assert found.film.pixels.size == 0 and (found.film.height, found.film.width) == (48, 48)
    with pytest.raises(UnreadableImage): answer(subject.model, 'a.dcm', b'\x80\4\x95pickle')


def test_the_network_sees_what_was_spread_and_the_eye_does_not(subject, raw):
    subject.bundle.recipe['grey_levels'] = 'equalised'
    found = answer(subject.model, 'a.png', raw)
    plain, film = read_square(raw, 32)
    np.testing.assert_array_equal(found.image, read_square(raw, 32, grey='equalised')[0])
    assert (found.image != plain).any() and found.prediction == subject.model.predict(raw)
    np.testing.assert_array_equal(look(raw, film, subject.recipe), read_square(raw, 48)[0])


def test_an_ensemble_says_what_each_network_does(explainable, raw):
    from pneumo_fastai.inference.bundle import Bundle, joined
    from pneumo_fastai.inference.model import Model
    bundles = [Bundle.load(explainable(f'run{seed}', seed)) for seed in (0, 1)]
    both = Bundle(joined(bundles).state_dict(), bundles[0].recipe | dict(members=2))
    found = answer(Model(both), 'a.png', raw)
    alone = [answer(Model(b), 'a.png', raw).prediction.calibrated for b in bundles]
    np.testing.assert_allclose(found.networks, alone, atol=1e-6)
    assert found.prediction.disagreement is not None


def test_the_header_is_told_without_who_it_is():
    said = dict(facts(FILM))
    assert said == {'Size': '2,500 x 3,000 pixels', 'View': 'PA', 'Sex': 'F', 'Age': '51 years', 'Pixel spacing': '0.143 mm',
                    'Black and white from': 'window'}
    assert FILM.patient not in str(said)


@pytest.mark.parametrize('age, says', [(89., '89 years'), (90., '90 years or more'), (104., '90 years or more'), (.5, '6 months'),
                                       (np.nan, 'not stated')])
def test_an_age_that_could_tell_who_it_is_is_not_told(age, says): assert dict(facts(replace(FILM, age=age)))['Age'] == says


def test_what_takes_trust_is_a_sentence_each():
    unlike = Prediction(.5, .5, 'pneumonia', None, ('grey levels unlike those of training: mean 3.0',))
    said = warnings(Answer('a', None, replace(FILM, frames=3, scale='percentiles'), unlike))
    assert said[0] == 'Grey levels unlike those of training: mean 3.0.' and '3 frames' in said[1] and 'says no window' in said[2]
    assert warnings(Answer('a', None, FILM, Prediction(.5, .5, 'pneumonia', None))) == []
