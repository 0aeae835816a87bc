"What all figures share: colours, the mark of synthetic data, and how they are saved."
from pathlib import Path

from ...writing import whole

# Okabe and Ito (2008): told apart with every common kind of colour blindness; the line styles repeat the distinction
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY = '#0072B2', '#E69F00', '#009E73', '#D55E00', '#CC79A7', '#56B4E9', '#666666'


def figure(size, synthetic):
    from matplotlib.figure import Figure  # here, as the page needs no figure and starts a second earlier
    fig = Figure(figsize=size, layout='constrained')
    if synthetic: fig.suptitle('synthetic data', color=RED, fontweight='bold', fontsize=11)
    return fig


def save(
    fig,
    path,  # the ending says the format
    dpi=120,
):
    "Write `fig` beside `path` and rename, so that the file appears whole or not at all; returns the path."
    with whole(path) as beside: fig.savefig(beside, dpi=dpi, bbox_inches='tight', pad_inches=.1)
    return Path(path)


def unit_square(fig, title, xlabel, ylabel):
    ax = fig.subplots()
    ax.set(xlim=(-.01, 1.01), ylim=(-.01, 1.01), aspect='equal', xlabel=xlabel, ylabel=ylabel)
    ax.set_title(title, fontsize=11)
    ax.grid(alpha=.25)
    return ax
