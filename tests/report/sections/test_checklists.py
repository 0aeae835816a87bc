import re

import pytest

from pneumo_fastai.report.registry import sections_of
from pneumo_fastai.report.sections import checklists


@pytest.mark.parametrize('said, author, main, items', [(checklists.CLAIM, checklists.CLAIM_AUTHOR, 44, 44),
                                                       (checklists.TRIPOD, checklists.TRIPOD_AUTHOR, 27, 52)])
def test_every_item_of_the_guidelines_is_there_once(said, author, main, items):
    parts = [[re.match(r'(\d+)([a-z]?) ', item).groups() for item in some] for some in ([o[0] for o in said], author.split('; '))]
    for some in parts: assert some == sorted(some, key=lambda o: (int(o[0]), o[1]))
    numbers = [*parts[0], *parts[1]]
    assert len(set(numbers)) == len(numbers) == items and {int(n) for n, _ in numbers} == set(range(1, main + 1))
    assert all(where for *_, where in said)


def test_an_item_leads_to_a_section_of_a_run_or_says_what_is_missing():
    there = {s.id for s in sections_of('run')}
    for item, state, where in (*checklists.CLAIM, *checklists.TRIPOD): assert (where in there) == (state != checklists.NONE), item
    external, = [row for row in checklists.rows(checklists.CLAIM) if row[1] == checklists.NONE]
    assert external[2] == 'the test set comes from the same source as the training data'


@pytest.mark.parametrize('explained', [True, False])
def test_only_measured_heatmaps_answer_the_item_on_explainability(explained):
    changed = [(a[0], b[1]) for a, b in zip(checklists.rows(checklists.CLAIM), checklists.rows(checklists.CLAIM, explained), strict=True)
               if a != b]
    assert changed == [('<span>31 Explainability or interpretability</span>', 'yes')] * explained
