"A run: train, predict, measure, draw, export, all into one new folder."
import json
import shutil
from contextlib import nullcontext

import numpy as np
import pandas as pd

from ..data.layout import layout_of
from ..data.likeness import grey_range
from ..data.prepare import prepare
from ..explain.evaluation import explain_run
from ..explain.gradcam import how_maps
from ..explain.maps import Maps, compute
from ..explain.panels import draw_panels, panel
from ..inference.bundle import Bundle
from ..inference.export import export
from ..inference.features import limits, references
from ..inference.stored import by_torch
from ..models.zoo import described
from ..processes import from_first, rank
from ..report.figures import style
from ..report.written import measure, present
from ..runs.checksums import write_sums
from ..runs.folder import read_run
from ..runs.tables import write_table
from ..writing import write
from . import checkpoints, initial
from .augment import augmentations
from .begin import begun, precision_of, written_environment
from .callbacks.attention import WatchGradCAM
from .callbacks.checkpoint import Checkpoint
from .callbacks.history import History
from .callbacks.progress import Bar
from .callbacks.random_state import random_state_kept
from .callbacks.stopwatch import Stopwatch
from .checkpoints import ALL, HEAD
from .interrupt import stoppable
from .learner import get_learner, train
from .loaders import get_dls, normalised_by, split_dl
from .precision import said


def fit_into(
    folder,      # the run's: new, or one to go on with
    experiment,  # the resolved `Experiment`
    cohort,      # prepared
    command,     # as typed
    progress,    # a started rich Progress
    name=None,   # the experiment's; that of the folder unless given
    stop=None,   # the `Stop` to heed; signals unless given
    minutes=10,  # between two checkpoints within an epoch
):
    """Train, from the last checkpoint where there is one, with the history in `folder`, which gets the predictions; returns the learner.
    Of several processes the first alone reads and writes there, and predicts."""
    def say(line): progress.console.print(line, soft_wrap=True, markup=False)
    cohort = prepare(cohort, experiment)  # of a sweep's members, each has its own share of training
    kept, how = from_first(lambda: begun(folder, experiment, cohort, say))
    learn = get_learner(how, get_dls(experiment, cohort), path=folder)
    precision_of(learn).agree()
    about = from_first(lambda: written_environment(folder, learn, command, name, kept, say))
    if experiment.precision == 'auto' and not kept: say(said(precision_of(learn).resolved(), precision_of(learn).trial))
    if learn.begun: say(initial.said(learn.begun))
    with learn.no_bar(), learn.no_logging():
        with nullcontext(stop) if stop else stoppable() as asked:
            def keep(phase): return Checkpoint(folder/checkpoints.FOLDER, phase, kept, asked, minutes)
            cbs = [watch := Stopwatch(), keep(ALL), *watching(experiment, folder, progress)]
            train(learn, experiment, cbs, [Bar(progress, 'training the head'), keep(HEAD)], begun=bool(kept) and kept['phase'] == ALL)
        if rank(): return learn
        write(folder/'environment.json', json.dumps(about | dict(training=watch.taken), indent=1))
        predictions = pd.concat([predict_split(learn, split, progress) for split in ('valid', 'test')])
        write_table(folder/'predictions.csv', predictions)
        if experiment.tta and augmentations(experiment):
            copies = pd.concat([augmented_split(learn, split, experiment.tta, progress) for split in ('valid', 'test')])
            write_table(folder/'augmented.csv', copies)
    return learn


def watching(experiment, folder, progress) -> list:
    "What the first process shows and writes while training."
    if rank(): return []
    maps = [WatchGradCAM(folder, experiment, **how_maps(experiment))] if experiment.gradcam else []
    return [Bar(progress), History(folder/'history.csv'), *maps]


def predict_split(learn, split, progress) -> pd.DataFrame:
    "path, patient, split, label, probability of one split, in float32."
    table = learn.dls.cohort.table
    rows = table.loc[table.split == split, ['path', 'patient', 'split', 'label']]
    probability = learn.get_preds(dl=split_dl(learn.dls, split), cbs=[Bar(progress, f'predicting {split}')])[0][:, 1]
    return rows.assign(probability=probability.double().numpy())


def augmented_split(learn, split, n, progress) -> pd.DataFrame:
    "path, split, copy_1 to copy_n: the probability of `n` copies of each image, drawn anew with the training's augmentation."
    dl, table = split_dl(learn.dls, split), learn.dls.cohort.table
    rows = table.loc[table.split == split, ['path', 'split']]
    with dl.dataset.set_split_idx(0), random_state_kept(learn.dls):  # 0: fastai's transforms as for training
        each = [learn.get_preds(dl=dl, cbs=[Bar(progress, f'{split}, augmented copy {k} of {n}')])[0][:, 1] for k in range(1, n + 1)]
    return rows.assign(**{f'copy_{k}': p.double().numpy() for k, p in enumerate(each, 1)})


def bundle_of(learn, experiment) -> Bundle:
    "The trained network and how an image is made ready for it."
    (mean, std), cohort = normalised_by(learn.dls), learn.dls.cohort
    table = cohort.table
    train = list(table.path[table.split == 'train'])
    found = references(learn.model, cohort.pixels, table[table.split == 'valid'], (mean, std))
    recipe = dict(aspect=experiment.aspect, any_view=experiment.any_view, mean=mean, std=std, **described(experiment),
                  grey=grey_range(cohort.pixels, train), layout=layout_of(cohort.pixels, train), features=limits(found))
    if experiment.grey != 'windowed': recipe['grey_levels'] = experiment.grey  # without it a bundle is what it was before there was another
    return Bundle(learn.model.state_dict(), recipe, references=found)


def save_learner(learn, folder):
    "learner.pkl, for fastai's `load_learner`."
    with by_torch(folder/'learner.pkl') as beside: learn.export(beside.name)


def valid_maps(learn, saved, experiment) -> Maps:
    "The maps of valid, with the scale that they give."
    paths = saved.predictions.query('split == "valid"').path
    return compute(learn.model, learn.dls.cohort.pixels, paths, normalised_by(learn.dls), **how_maps(experiment)).on_scale(paths)


def draw_images(learn, saved, experiment, threshold, maps):
    "From valid top_losses.png and, unless the maps of the whole run are drawn anyway, gradcam.png and cases.png."
    valid = saved.predictions.query('split == "valid"')
    right = np.where(valid.label == 1, valid.probability, 1 - valid.probability)
    cohort = learn.dls.cohort
    style.save(panel(cohort, experiment, valid.iloc[np.argsort(right, kind='stable')[:9]]), saved.folder/'top_losses.png')
    if experiment.gradcam: return
    draw_panels(cohort, experiment, valid, threshold, maps, {name: saved.folder/name for name in ('gradcam.png', 'cases.png')})


def finish(learn, folder, experiment) -> dict:
    "Measure, export, draw, and write the report of a trained learner, from what `fit_into` saved; returns the metrics."
    saved = read_run(folder)
    metrics, maps = measure(saved), valid_maps(learn, saved, experiment)
    export(saved, metrics, [bundle_of(learn, experiment)], heat=maps.how)
    save_learner(learn, folder)
    draw_images(learn, saved, experiment, metrics['threshold']['value'], maps)
    if experiment.gradcam: explain_run(folder, cohort=learn.dls.cohort, run=saved)
    present(saved, metrics)
    write_sums(folder)  # last: a run that has it is finished
    shutil.rmtree(folder/checkpoints.FOLDER, ignore_errors=True)
    return metrics
