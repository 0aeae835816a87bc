"What the page is about: a run's model and what its folder says of it, loaded once for all windows."
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock

from ..errors import InputError
from ..explain.gradcam import how_maps
from ..explain.layers import mapping
from ..inference.model import Model, load
from ..runs.files import read_json
from ..runs.folder import Run, read_run


@dataclass
class Subject:
    folder:Path
    model:Model
    run:Run|None = None         # None: the folder holds a model and no whole run, such as one of a cross-validation
    metrics:dict|None = None    # of metrics.json
    why:str = ''                # there is no run
    lock:Lock = field(default_factory=Lock)  # hooks on the model see every pass, so one map is drawn at a time

    @property
    def bundle(self): return self.model.bundle
    @property
    def recipe(self): return self.bundle.recipe
    @property
    def synthetic(self): return bool(self.recipe.get('synthetic'))
    @property
    def data(self): return self.recipe.get('data') or 'the training data'
    @property
    def title(self): return self.run.title if self.run else f'{self.recipe.get("experiment") or "a model"} on {self.data}'

    @cached_property
    def layers(self) -> list[str]:
        "The blocks that a heatmap may be asked of; none of an ensemble, whose maps are those of its networks together."
        return [] if self.bundle.n > 1 else blocks(self.bundle.model, mapping(self.bundle.model, self.recipe['size']))

    @property
    def own_maps(self) -> tuple[list|None, str, bool]:
        "(layers, method, mirror) as the model or the run's recipe has them; layers None: the last maps."
        how = dict(self.recipe.get('heat') or (how_maps(self.run.experiment) if self.run else {}))
        return how.get('layers') if self.bundle.n == 1 else None, how.get('method', 'gradcam'), how.get('mirror', False)


def opened(folder) -> Subject:
    "Raises `InputError` where the folder gives no model; without a whole run there is less to show, and `why` says so."
    folder, model = Path(folder), load(folder)
    try: run = read_run(folder)
    except InputError as e: return Subject(folder, model, why=str(e))
    return Subject(folder, model, run, read_json(folder/'metrics.json') if (folder/'metrics.json').is_file() else None)


def blocks(model, names) -> list[str]:
    "Of the layers that give maps those that are made of layers: the outermost, or the parts of the outermost where there is one."
    made = [n for n in names if next(model.get_submodule(n).children(), None) is not None]
    outer = [n for n in made if '.' not in n]
    return outer if len(outer) > 1 else [n for n in made if n.count('.') == 1] or outer
