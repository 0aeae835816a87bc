"""The sections of a page: each is one function under `@section`, from which its title, its place and the contents list follow, and the
template of the function's name, which says it in words: the finding first, then its figure; what is long is folded in <details>."""
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

from .html import Page
from .templating import render

# pages: of a run, of a cross-validation, of a run's model on other data, and adapted to them
RUN, FOLDS, ELSEWHERE, ADAPTED = ('run',), ('folds',), ('elsewhere',), ('adapted',)
BOTH, ONE = RUN + FOLDS, RUN + ELSEWHERE
CHOSEN, MEASURED, ALL = RUN + ADAPTED, ONE + ADAPTED, BOTH + ELSEWHERE + ADAPTED


@dataclass(frozen=True)
class Section:
    id:str
    title:str
    place:int
    on:tuple
    numbers:bool
    facts:object  # page, run, metrics -> what sections/NAME.html needs besides these three, a dict

    def html(self, page, run, metrics):
        facts = dict(page=page, run=run, metrics=metrics) | self.facts(page, run, metrics)
        body = render(f'sections/{self.facts.__name__}', **facts)
        return render('section', id=self.id, title=self.title, mark=page.mark() if self.numbers else '', body=body)


SECTIONS = []


def section(
    id, title,
    place,         # sections stand in the order of these
    on=ALL,        # the pages that have it
    numbers=True,  # whether it shows any, and thus the mark of synthetic data
):
    def register(facts):
        SECTIONS.append(Section(id, title, place, on, numbers, facts))
        return facts
    return register


def every_section():
    "Of all modules in `sections`."
    from . import sections
    for module in iter_modules(sections.__path__): import_module(f'{sections.__name__}.{module.name}')
    return SECTIONS


def sections_of(kind): return sorted((s for s in every_section() if kind in s.on), key=lambda s: s.place)
def title_of(id): return next(s.title for s in every_section() if s.id == id)


def written(kind, page:Page, run, metrics):
    "(sections, their HTML) of a page of that kind."
    found = sections_of(kind)
    return found, [s.html(page, run, metrics) for s in found]
