"The sections of a page: each is one function under `@section`, from which its title, its place and the contents list follow."
from dataclasses import dataclass
from typing import NamedTuple

from .html import Page, render

RUN, FOLDS, BOTH = ('run',), ('folds',), ('run', 'folds')  # pages: of a run, of a cross-validation


class Parts(NamedTuple):
    "What a section says: its finding in a sentence, its figure, what is always seen, and (summary, content) of what is folded."
    finding:str = ''
    figure:str = ''
    content:str = ''
    folded:tuple = ()


@dataclass(frozen=True)
class Section:
    id:str
    title:str
    place:int
    on:tuple
    numbers:bool
    write:object  # page, run, metrics -> `Parts`

    def html(self, page, run, metrics):
        parts = self.write(page, run, metrics)
        return render('section', id=self.id, title=self.title, mark=page.mark() if self.numbers else '', **parts._asdict())


SECTIONS = []


def section(
    id, title,
    place,         # sections stand in the order of these
    on=BOTH,       # the pages that have it
    numbers=True,  # whether it shows any, and thus the mark of synthetic data
):
    def register(write):
        SECTIONS.append(Section(id, title, place, on, numbers, write))
        return write
    return register


def sections_of(kind): return sorted((s for s in SECTIONS if kind in s.on), key=lambda s: s.place)
def title_of(id): return next(s.title for s in SECTIONS if s.id == id)


def written(kind, page:Page, run, metrics):
    "(sections, their HTML) of a page of that kind."
    found = sections_of(kind)
    return found, [s.html(page, run, metrics) for s in found]
