import numpy as np
import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.runs.truth import known_labels


@pytest.fixture
def told(tmp_path):
    def write(*rows, header='path,label'):
        (tmp_path/'t.csv').write_text('\n'.join([header, *rows]))
        return tmp_path/'t.csv'
    return write


def test_images_are_known_by_path_or_by_a_name_that_none_shares(told):
    images = ['/a/1.png', '/a/2.png', '/b/2.png', '/b/3.png', '/b/4.png']
    assert known_labels(told('1.png,1', '/b/2.png,0', 'elsewhere/3.png,1'), images) == pytest.approx([1, np.nan, 0, 1, np.nan], nan_ok=True)
    assert np.isnan(known_labels(told('2.png,1', '1.png,0'), images)[1:3]).all()  # which of the two?
    assert known_labels(told('x/3.png,1', 'y/3.png,0', '/a/1.png,1'), images) == pytest.approx([1, *[np.nan]*4], nan_ok=True)


@pytest.mark.parametrize('rows, says', [
    (['1.png,2'], "1 rows whose label is neither 0 nor 1, one is '2'"), (['1.png,'], 'neither 0 nor 1'),
    (['1.png,1', '1.png,0'], 'of their own'),
    (['9.png,1'], "none of the 2 images of the run, one is '/a/1.png'"), ([',1'], 'of their own')])
def test_a_table_that_says_nothing_clear_is_refused(told, rows, says):
    with pytest.raises(InputError) as error: known_labels(told(*rows), ['/a/1.png', '/a/2.png'])
    assert says in str(error.value) and '\n' not in str(error.value)


def test_no_table(told, tmp_path):
    with pytest.raises(InputError, match="lacks the column 'label'"): known_labels(told('a,1', header='path,lable'), ['a'])
    with pytest.raises(InputError, match='does not exist'): known_labels(tmp_path/'none.csv', ['a'])
