"Chest radiographs in, a pneumonia classifier and the evidence of how far to trust it out. For research and education, not for diagnosis."
from importlib import import_module

LAZY = {'Experiment': '.experiment', 'load_experiment': '.experiment', 'find_cohort': '.data.prepare', 'read_cohort': '.data.cohort',
        'prepare': '.data.prepare', 'get_dls': '.training.loaders', 'XRay': '.training.loaders', 'get_learner': '.training.learner',
        'train': '.training.learner', 'schedule': '.training.learner', 'GradCAM': '.explain.gradcam', 'show_gradcam': '.explain.gradcam',
        'Bundle': '.inference.bundle'}
__all__ = list(LAZY)


def __getattr__(name):
    "What a notebook wants, imported when it is first asked for: torch and fastai take seconds."
    if name not in LAZY: raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(import_module(LAZY[name], __name__), name)
