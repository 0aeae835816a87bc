from itertools import combinations

import pytest


def apart(fig):
    "Whether no title lies on a plot or on another title."
    fig.draw_without_rendering()
    boxes = [ax.title.get_window_extent() for ax in fig.axes if ax.get_title()] + [ax.get_window_extent() for ax in fig.axes]
    boxes += [fig._suptitle.get_window_extent()] if fig._suptitle else []
    return not any(a.overlaps(b) for a, b in combinations(boxes, 2))


@pytest.fixture(scope='session')
def no_overlap(): return apart


def all_texts(fig):
    found = []
    for ax in fig.axes:
        legend = ax.get_legend()
        found += [ax.get_title(), *(t.get_text() for t in ax.texts), *(t.get_text() for t in (legend.texts if legend else ()))]
    return found


@pytest.fixture(scope='session')
def texts():
    "What is written in a figure: titles, texts and legends."
    return all_texts
