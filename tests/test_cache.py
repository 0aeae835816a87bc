from pathlib import Path

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


def test_what_is_damaged_is_listed_as_such_and_cleared(films, tmp_path, capsys):
    paths, place = list((films/'NORMAL').iterdir()), tmp_path/'c'
    for size in (32, 40, 48): open_pixels(paths, size, folder=place)
    first, second, third = (Path(p) for p in listing(place).path)
    (first/'about.json').write_text('{')
    next(second.glob('*.csv')).write_text('')
    assert run(cache, ['--cache', str(place)]) == 0
    out = capsys.readouterr().out
    assert first.name in out and '3 entries' in out
    assert sum('damaged' in line for line in out.splitlines() if '│' in line) == 2
    assert run(cache, ['--cache', str(place), '--clear', first.name]) == 0 and not first.exists()
    assert run(cache, ['--cache', str(place), '--clear', 'all']) == 0 and not second.exists() and not third.exists()


def test_what_a_killed_process_was_writing_is_no_damage(films, tmp_path):
    open_pixels(list((films/'NORMAL').iterdir()), 32, folder=tmp_path/'c')
    place = Path(listing(tmp_path/'c').path[0])
    (place/f'.123-{next(place.glob("*.csv")).name}').write_text('half of a table')
    assert listing(tmp_path/'c').state[0] == ''
