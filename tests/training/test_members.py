from dataclasses import replace

import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.training import members, run


def test_a_member_is_there_whole_or_not_at_all(tiny, cohort, tmp_path, monkeypatch):
    place, seen = tmp_path/'lr=0.001,seed=0', []
    def half(folder, *args):
        seen.append(sorted(p.name for p in folder.iterdir()))
        (folder/'half').touch()
        raise KeyboardInterrupt
    monkeypatch.setattr(run, 'fit_into', half)
    for _ in range(2):  # the second goes on with what the first left
        with pytest.raises(KeyboardInterrupt): members.train_member(place, tiny, cohort, 'command', None, 'e')
    assert seen == [['state.json'], ['half', 'state.json']] and not place.exists() and members.partial(place).is_dir()
    monkeypatch.setattr(run, 'fit_into', lambda folder, *args: (folder/'whole').touch())
    monkeypatch.setattr(run, 'finish', lambda *args: None)
    members.train_member(place, tiny, cohort, 'command', None, 'e')
    assert {p.name for p in place.iterdir()} == {'half', 'whole', 'state.json'} and not members.partial(place).exists()


def test_what_was_begun_with_something_else_is_refused_with_the_remedy(tiny, cohort, tmp_path):
    for _ in range(2): members.check_same(tmp_path, 'do that', tiny, cohort, **{'grid.json': 'a'})
    fewer = replace(cohort, table=cohort.table.iloc[1:])
    for experiment, images, grid, says in ((replace(tiny, lr=2e-3), cohort, 'a', 'recipe'), (tiny, fewer, 'a', 'set of images'),
                                           (tiny, cohort, 'b', 'recipe')):
        with pytest.raises(InputError, match=f'another {says}; .*, or do that'):
            members.check_same(tmp_path, 'do that', experiment, images, **{'grid.json': grid})


def test_what_was_begun_before_there_was_a_field_goes_on(tiny, cohort, tmp_path):
    members.check_same(tmp_path, 'do that', tiny, cohort)
    recipe = tmp_path/'experiment.toml'
    recipe.write_text(recipe.read_text().replace("grey = \"windowed\"\n", ''))
    members.check_same(tmp_path, 'do that', tiny, cohort)
    with pytest.raises(InputError, match='another recipe'): members.check_same(tmp_path, 'do that', replace(tiny, grey='clahe'), cohort)
