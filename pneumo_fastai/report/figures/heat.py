"How heat is coloured and what its colours mean, alike in every panel and page of a run."
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap

LEVELS = np.linspace(0, 1, 256)
ALPHA = .6 * LEVELS[:, None]  # where the heat is low, the radiograph itself is seen
COLORS = colormaps['inferno'](.25 + .75*LEVELS)[:, :3]
GREY = .4                     # of the lung that the bar stands on
ON_GREY = ListedColormap(ALPHA*COLORS + (1 - ALPHA)*GREY)

TOP = .99  # of the images of valid: the share whose hottest place is below the hottest colour
CHOSEN = 'All images of a run have one scale, chosen on valid: the hottest place of 1 in 100 images there reaches the hottest colour.'
ADDS = 'what a place adds to the logit (log-odds) of pneumonia'
NUMBERS = {'gradcam': 'mean gradient of the logit times activation', 'hirescam': 'gradient of the logit times activation',
           'gradcam++': 'weighted positive gradients of the logit times activation',
           'layercam': 'positive gradients of the logit times activation'}


@dataclass(frozen=True)
class Scale:
    "What the colours of a run's heat stand for: grey for 0 and less, the hottest one for `top` and more."
    top:float
    method:str = 'gradcam'
    last:bool = True    # of the maps that go into the network's head
    layers:int = 1      # that were fused: each was divided by its own top before

    @property
    def label(self) -> str:
        if self.layers > 1: return f'mean of {self.layers} layers, each as a share of its own scale; no part of the logit'
        if self.last and self.method in ('gradcam', 'hirescam'): return ADDS
        return f'{NUMBERS[self.method]}; not what a place adds to it'

    def at(self, *shares) -> list[str]:
        "The numbers at these shares of the scale, the last of which is its end."
        return [f'{share*self.top:.2g}' for share in shares[:-1]] + [f'{self.top:.2g} or more']


def rgba(heat) -> np.ndarray:
    "Heat (h, w) in 0..1 as (h, w, 4) in 0..1, to lay over a radiograph."
    level = (np.clip(heat, 0, 1)*255).round().astype(np.uint8)
    return np.concatenate([COLORS[level], ALPHA[level]], -1)
