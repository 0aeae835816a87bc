from pneumo_fastai.cache import cache
from pneumo_fastai.cli import run
from pneumo_fastai.data.cache import listing, open_pixels


def test_it_lists_and_clears(films, tmp_path, capsys):
    paths, place = list((films/'NORMAL').iterdir()), tmp_path/'c'
    open_pixels(paths, 32, folder=place)
    open_pixels(paths, 40, folder=place)
    assert run(cache, ['--cache', str(place)]) == 0
    assert '2 entries' in capsys.readouterr().out
    first, second = listing(place).key
    assert run(cache, ['--cache', str(place), '--clear', 'no-such-key']) == 2
    assert first in capsys.readouterr().err and len(listing(place)) == 2
    assert run(cache, ['--cache', str(place), '--clear', first]) == 0
    assert list(listing(place).key) == [second]
    open_pixels(paths, 40, folder=place)
    assert run(cache, ['--cache', str(place), '--clear', 'all']) == 0 and listing(place).empty
