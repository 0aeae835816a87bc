import numpy as np

from pneumo_fastai.inference.decision import NO_NUMBER
from pneumo_fastai.inference.rows import framed


def test_a_row_a_file_with_its_warnings_joined_and_no_class_for_what_is_no_number():
    recipe = dict(threshold=.5, calibrator=dict(method='none'), conformal=dict(limit={'0': .6, '1': .6}))
    frame = framed(recipe, ['a', 'b', 'c'], np.array([[.5, np.nan, np.nan]]), {'b': 'is a folder'}, {'a': ('one', 'two')})
    assert list(frame.columns) == ['path', 'probability', 'calibrated', 'prediction', 'set', 'reason', 'warnings']
    assert list(frame.prediction) == ['pneumonia', None, None] and list(frame['set']) == ['cannot tell', None, None]
    assert list(frame.reason) == [None, 'is a folder', NO_NUMBER] and list(frame.warnings) == ['one; two', None, None]
    assert list(framed(recipe, [], np.zeros((1, 0)), {}, {}).columns) == list(frame.columns)
