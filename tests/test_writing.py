import pytest

from pneumo_fastai.writing import whole, write


def test_a_file_or_a_folder_appears_whole(tmp_path):
    assert write(tmp_path/'a.txt', 'text').read_text() == 'text'
    with whole(tmp_path/'b') as beside:
        (beside/'deep').mkdir(parents=True)
        assert not (tmp_path/'b').exists()
    assert (tmp_path/'b'/'deep').is_dir() and {p.name for p in tmp_path.iterdir()} == {'a.txt', 'b'}


def test_what_fails_leaves_nothing_and_what_was_there_stays(tmp_path):
    write(tmp_path/'a.txt', 'as it was')
    for name in ('a.txt', 'b'):
        with pytest.raises(KeyboardInterrupt), whole(tmp_path/name) as beside:
            if name == 'b': (beside/'deep').mkdir(parents=True)
            else: beside.write_text('half')
            raise KeyboardInterrupt
    assert [p.name for p in tmp_path.iterdir()] == ['a.txt'] and (tmp_path/'a.txt').read_text() == 'as it was'
