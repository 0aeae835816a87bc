"The learning-rate range test (Smith 2015, arXiv:1506.01186), by fastai's `lr_find`."
from tempfile import TemporaryDirectory

from fastai.callback.core import Callback
from fastai.callback.schedule import minimum, slide, steep, valley
from matplotlib.figure import Figure

from ..errors import InputError
from ..report.figures.style import save
from .learner import get_learner
from .loaders import get_dls


class Tick(Callback):
    "Calls `tick(done, total)` after each batch."
    def __init__(self, tick, total): self.tick, self.total = tick, total
    def after_batch(self): self.tick(self.train_iter, self.total)


def range_test(experiment, cohort, steps, tick):
    "fastai's suggestions by the name of their rule, and the recorder with `lrs` and `losses`."
    with TemporaryDirectory() as folder:  # lr_find saves the weights to put them back
        learn = get_learner(experiment, get_dls(experiment, cohort), path=folder)
        learn.add_cb(Tick(tick, steps))
        with learn.no_bar():
            try: found = learn.lr_find(num_it=steps, show_plot=False, suggest_funcs=(valley, slide, minimum, steep))
            except (IndexError, ValueError, RuntimeError) as e:  # too few points for the rules
                raise InputError(f'the loss diverged at step {len(learn.recorder.lrs)} of {steps}, too early to suggest a rate; '
                                 'give more --steps') from e
    return {k: float(v) for k, v in found._asdict().items()}, learn.recorder


def curve(recorder, suggestions, path, title):
    "Loss against rate, the suggestions marked, into the image file `path`."
    fig = Figure(figsize=(7, 4.5), layout='constrained')
    ax = fig.subplots()
    lrs, losses = [float(x) for x in recorder.lrs], [float(x) for x in recorder.losses]
    ax.plot(lrs, losses, color='#666666')
    for (name, rate), mark in zip(suggestions.items(), 'os^D', strict=True):
        nearest = min(range(len(lrs)), key=lambda i: abs(lrs[i] - rate))
        ax.plot(lrs[nearest], losses[nearest], mark, markersize=9, label=f'{name} {rate:.2e}')
    ax.set(xscale='log', xlabel='learning rate', ylabel='loss (smoothed)', title=f'Learning-rate range test, {title}',
           ylim=(min(losses) - .05, min(max(losses), 3 * losses[0]) + .05))
    ax.legend()
    save(fig, path)
