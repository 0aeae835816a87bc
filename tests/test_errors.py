import pickle

from pneumo_fastai.errors import InputError, UnreadableImage, readable


def test_the_line_stays_what_it_was_when_fastai_rewrites_the_args():
    error = InputError('one line')
    error.args = ('Exception occured in `X` when calling event `after_loss`:\n\tone line',)
    assert str(error) == 'one line'


def test_an_unreadable_image_comes_back_from_another_process_as_it_left():
    error = pickle.loads(pickle.dumps(UnreadableImage('a/b.dcm', 'is cut off')))
    assert (str(error), error.path, error.reason) == ('a/b.dcm: is cut off', 'a/b.dcm', 'is cut off')


def test_a_name_that_is_shown_is_one_line_of_text_and_moves_no_cursor():
    assert readable('a\nb\x1b[2J\udcff é 胸.dcm') == 'a?b?[2J? é 胸.dcm'
