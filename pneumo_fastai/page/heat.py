"The heatmap of one image, on the scale of its run where that is known, and how far the run's heatmaps may be trusted."
from dataclasses import dataclass, replace

import numpy as np

from ..explain.maps import compute
from ..report import verdicts
from ..report.figures.heat import CHOSEN, Scale
from ..report.sections.heatmaps import taught
from ..report.templating import sentences

IT = 'it'
OWN = 'The hottest place of this image has the hottest colour: colours of two images do not compare.'


@dataclass(frozen=True)
class Heat:
    map:np.ndarray  # (size, size) in 0..1
    scale:Scale
    chosen:str      # what the hottest colour stands for
    scored:bool     # whether it is by the layers and method that the run's were scored with


@dataclass(frozen=True)
class One:
    "An image as `compute` asks for it."
    image:np.ndarray
    @property
    def array(self): return self.image[None]
    def __getitem__(self, path): return self.image


def heat(
    subject, image,  # (size, size) uint8
    layers=None,     # names; None: the last maps
    method='gradcam',
) -> Heat:
    recipe, mirror = subject.recipe, subject.own_maps[2]
    stats = recipe['mean'], recipe['std']
    with subject.lock: maps = compute(subject.bundle.model, One(image), [IT], stats, layers, method, mirror=mirror)
    tops, said = tops_of(recipe.get('heat'), maps), tops_of(scored(subject.folder), maps)
    maps = replace(maps, tops=said or tops) if said or tops else maps.on_scale([IT])
    return Heat(next(maps.shown([IT])), maps.scale, CHOSEN if said or tops else OWN, bool(said))


def tops_of(how, maps) -> list|None:
    "The scale of maps that were made in one way, where `maps` were made so too."
    return how['tops'] if how and (how['layers'], how['method']) == (maps.layers, maps.method) else None


def scored(folder) -> dict|None:
    "layers, method and tops of the maps that were scored in a run's folder; None where none were."
    path = folder/'gradcam.npz'
    if not path.is_file(): return None
    with np.load(path) as f: return dict(layers=f['layers'].tolist(), method=str(f['method']), tops=f['tops'].tolist())


def trust(subject, scored=True) -> list[str]:
    "How far the run's heatmaps may be trusted, from its localization.json."
    found = verdicts.heatmaps(subject.run) if subject.run else dict(word='not measured', text='The run is not at hand.')
    said = taught(subject.run.experiment) if subject.run else []
    return sentences('words/trust', word=found['word'], text=found['text'], scored=scored or found['level'] == verdicts.OPEN) + said
