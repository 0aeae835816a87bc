from importlib.resources import files

import pytest

from pneumo_fastai.report import registry
from pneumo_fastai.report.html import MARK, Page
from pneumo_fastai.report.registry import BOTH, FOLDS, RUN, every_section, section, sections_of, title_of

TEMPLATES = files('pneumo_fastai.report')/'templates'/'sections'


@pytest.mark.parametrize('kind', BOTH)
def test_sections_of_a_page_have_names_and_places_of_their_own(kind):
    found = sections_of(kind)
    for key in ('id', 'title', 'place'): assert len({getattr(s, key) for s in found}) == len(found), key
    assert [s.place for s in found] == sorted(s.place for s in found)
    assert (found[0].id, found[-1].id) == ('question', 'provenance')


def test_every_template_is_of_a_section_or_taken_in_by_one():
    texts = {p.name.removesuffix('.html'): p.read_text() for p in TEMPLATES.iterdir()}
    own = {s.facts.__name__ for s in every_section()}
    assert own <= set(texts)
    for name in set(texts) - own: assert any(f"'sections/{name}.html'" in text for text in texts.values()), name


def test_to_look_twice_registers_nothing_twice():
    n = len(every_section())
    assert len(every_section()) == n and title_of('gradcam') == 'Heatmaps'


def test_a_section_is_one_function_and_stands_in_its_place(monkeypatch):
    every_section()  # so that only those of this test are registered below
    monkeypatch.setattr(registry, 'SECTIONS', [])
    def question(page, run, metrics): return {}
    for name, place, on, numbers in (('b', 2, RUN, True), ('a', 1, BOTH, False), ('c', 0, FOLDS, True)):
        section(name, f'<{name}>', place, on=on, numbers=numbers)(question)
    monkeypatch.setattr(registry, 'render', lambda name, **facts: f'{name}: {facts.get("id")}, {facts.get("mark")}')
    found, bodies = registry.written('run', Page(synthetic=True), None, {})
    assert [s.id for s in found] == ['a', 'b'] and title_of('c') == '<c>'
    assert bodies == ['section: a, ', f'section: b, <span class="synthetic">{MARK}</span>']
