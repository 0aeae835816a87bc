import pickle

from pneumo_fastai.errors import InputError, UnreadableImage


def test_the_line_stays_what_it_was_when_fastai_rewrites_the_args():
    error = InputError('one line')
    error.args = ('Exception occured in `X` when calling event `after_loss`:\n\tone line',)
    assert str(error) == 'one line'


def test_an_unreadable_image_comes_back_from_another_process_as_it_left():
    error = pickle.loads(pickle.dumps(UnreadableImage('a/b.dcm', 'is cut off')))
    assert (str(error), error.path, error.reason) == ('a/b.dcm: is cut off', 'a/b.dcm', 'is cut off')
