"A run: train, predict, measure, draw, export, all into one new folder."
import json
import shutil
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from .. import experiment as recipes
from ..csv_files import csv_text
from ..data import signatures
from ..data.layout import layout_of
from ..data.likeness import grey_range
from ..data.prepare import prepare
from ..errors import InputError
from ..explain.evaluation import explain_run
from ..explain.gradcam import how_maps
from ..explain.maps import Maps, compute
from ..explain.panels import draw_panels, panel
from ..inference.bundle import Bundle
from ..inference.export import export
from ..inference.features import limits, references
from ..inference.stored import by_torch
from ..models.zoo import described
from ..processes import from_first, rank, world
from ..report.figures import style
from ..report.written import measure, present
from ..runs.checksums import SUMS, write_sums
from ..runs.environment import changed, machine
from ..runs.files import read_json
from ..runs.folder import read_run
from ..runs.tables import write_table
from ..writing import write
from . import checkpoints, initial
from .augment import augmentations
from .callbacks.attention import WatchGradCAM
from .callbacks.checkpoint import Checkpoint
from .callbacks.history import History
from .callbacks.precision import Precision
from .callbacks.progress import Bar
from .callbacks.random_state import random_state_kept
from .callbacks.stopwatch import Stopwatch
from .checkpoints import ALL, HEAD
from .determinism import not_deterministic
from .interrupt import stoppable
from .learner import get_learner, train
from .loaders import get_dls, normalised_by, split_dl
from .precision import said


def write_cohort(folder, cohort):
    "split.csv, with every column of the cohort, rejected.csv, and what recognises these images elsewhere."
    write(folder/'split.csv', cohort_text(cohort))
    write(folder/'rejected.csv', csv_text(cohort.rejected))
    signatures.save(folder/signatures.FILE, signatures_of(cohort))


def cohort_text(cohort): return csv_text(cohort.table.assign(boxes=cohort.table.boxes.map(json.dumps)))
def signatures_of(cohort): return signatures.signatures(cohort.pixels, list(cohort.table.path), cohort.pixels.how[1])


def environment(learn, command, name) -> dict:
    "What another person needs to know to see the same numbers."
    precision = precision_of(learn)
    cohort = learn.dls.cohort
    data = dict(name=cohort.name, layout=cohort.layout, synthetic=cohort.synthetic, notes=list(cohort.notes))
    return dict(command=command, experiment=name, data=data, precision=precision.resolved(), precision_trial=precision.trial,
                not_deterministic=not_deterministic(learn), checksums=SUMS, processes=world(),
                **machine(learn.dls.device, torch.get_num_threads()), **({'weights': learn.begun} if learn.begun else {}))


def precision_of(learn) -> Precision: return next(cb for cb in learn.cbs if isinstance(cb, Precision))


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


def begun(folder, experiment, cohort, say) -> tuple:
    """What a training in `folder` that was interrupted has to go on with, and its recipe with the precision that 'auto' chose; None where
    it begins, with all that it is made of written, and the recipe as it is."""
    for left in [*folder.rglob('.*')]: shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)  # half of what was killed
    kept = checkpoints.latest(folder/checkpoints.FOLDER, say)
    if kept is None:
        write(folder/'experiment.toml', recipes.toml(experiment))
        write_cohort(folder, cohort)
        return None, experiment
    check_same(folder, cohort)
    say(f'goes on at epoch {kept["epoch"]}{", the head alone" if kept["phase"] == HEAD else ""}, step {kept["step"]}')
    return kept, replace(experiment, precision=read_json(folder/'environment.json')['precision'])


def check_same(folder, cohort):
    "`InputError` unless the cohort is the one that the run in `folder` was begun with, image for image."
    if (folder/'split.csv').read_text(encoding='utf-8') != cohort_text(cohort):
        raise InputError(f'{folder} was begun with another set of images than {cohort.name}: paths, labels, patients or splits are others; '
                         'put them back as they were, or train a new run')
    other = (signatures.load(folder/signatures.FILE, len(cohort.table)) != signatures_of(cohort)).any(1).sum()
    if not other: return
    raise InputError(f'{other:,} images of {cohort.name} are not those that {folder} was begun with; put them back, or train a new run')


def written_environment(folder, learn, command, name, kept, say) -> dict:
    "environment.json; of a run that goes on as it was begun, with what is another now, which is said too."
    now = environment(learn, command, name)
    if kept:
        was = read_json(folder/'environment.json')
        other = changed(was, now)
        for what, (before, after) in other.items(): say(f'note: it goes on with another {what}, {after} after {before}: numbers may differ')
        now = was | dict(resumed=[*was.get('resumed', []), dict(epoch=kept['epoch'], step=kept['step'], command=command, other=other)])
    write(folder/'environment.json', json.dumps(now, indent=1))
    return now


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
