"python -m pneumo_fastai.adapt: what some patients of another place are worth, with labels or without, and without training."
import sys

from .cli import check_resampling, command_line, run
from .errors import InputError
from .evaluation.settings import rule
from .screen import bar, note

MOST = 1000  # draws


def adapt(
    model,                 # the folder of a finished run or ensemble
    data:str = None,       # labelled images of the other place: a folder, as fit takes it
    images:str = None,     # in place of --data: images there without labels, as predict takes them: batch norms alone are adapted
    patients:int = 100,    # how many of its patients, drawn by chance, the model is adapted to; it is measured on all others
    target:str = None,     # rule of the new threshold: youden, sensitivity=0.95, specificity=0.9, cost=5; the run's own unless given
    norms:bool = False,    # the network first takes mean and variance of its batch norms from their images (AdaBN), which needs no label
    draws:int = 50,        # of 25, 50, 100 and 200 patients each, to say what so many are worth and how far chance moves it
    n_boot:int = 1000,     # resamples of patients, where an interval rests on them
    seed:int = 0,          # of the draws, resamples and folds
    out:str = None,        # the new folder; one beside the run unless given
    cache:str = None,      # where decoded images are kept; the user's cache folder unless given
):
    "Adapt a run's threshold and calibration to some labelled patients of another place, into a new run folder; nothing is trained."
    if data is None and images is None:
        raise InputError('--data is missing; give the folder of labelled images that the model is to be adapted to, or --images, without')
    if data and images: raise InputError('--images is in place of --data; give one of them')
    for name, given in dict(target=target, cache=cache).items():
        if images and given: raise InputError(f'--{name} is for --data; leave it out, without labels the batch norms alone are adapted')
    check_resampling(n_boot, seed)
    if images: return without_labels(model, images, out, seed)
    if not 1 <= draws <= MOST: raise InputError(f'draws is {draws}; give a whole number from 1 to {MOST:,}')
    if patients < 1: raise InputError(f'patients is {patients}; give how many are to be adapted to, such as 100')
    aimed = {} if target is None else rule(target, 'target')
    with bar('loading torch'):
        from .inference.adaptation import adapt_to
    made, metrics = adapt_to(model, data, patients, out, command_line(), draws, cache, norms, n_boot=n_boot, seed=seed, **aimed)
    from .report import terminal
    terminal.show_adapted(made, metrics)
    terminal.pointers(made.folder)


def without_labels(model, images, out, seed):
    "A model with the batch norms of these images, and what it is not known to be worth."
    with bar('loading torch'):
        from .inference.norms import model_of
    folder, n = model_of(model, images, out, seed)
    note(f'the first half of its batch norms are those of {n} images, all else is as it was; what it is worth there nobody measured: '
         f'python -m pneumo_fastai.evaluate RUN --data LABELLED --norms {n} says so')
    from .report.terminal import written
    written(folder)


if __name__ == '__main__':
    sys.exit(run(adapt))
