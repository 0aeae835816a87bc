"How it is used after training. Imports no fastai. `model = load('runs/weighted-...')`, then `model.predict('film.dcm')`."
from importlib import import_module

__all__ = ['Model', 'Prediction', 'load']


def __getattr__(name):
    "From `model`, imported when it is first asked for: torch takes seconds."
    if name not in __all__: raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module('.model', __name__), name)
