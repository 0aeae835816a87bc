"""A run's model on another labelled data set: read, cleared of what the model has seen, predicted, compared with the run's own test images,
and written into a folder that reads as a `Run`: `explain.external` measures it there, `adaptation` adapts it."""
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ..csv_files import csv_text
from ..data import leaks
from ..data.cohort import check
from ..data.prepare import decoded, find_cohort
from ..data.signatures import FILE as SIGNATURES
from ..data.signatures import signatures
from ..errors import InputError
from ..evaluation.external import settings
from ..runs.checksums import SUMS, altered
from ..runs.environment import machine
from ..runs.external import write_of
from ..runs.facts import WEIGHTS, place
from ..runs.files import read_json
from ..runs.folder import ended, new_folder, read_run
from ..runs.tables import write_table
from ..screen import bar
from ..writing import write
from .bundle import Bundle
from .decision import NO_NUMBER
from .network import in_threads, parts

BATCH = 16
LEFT_OUT = 'left out: '
OTHERS = dict(elsewhere='an evaluation elsewhere', adapted='adapted from another')


def checked_run(folder):
    "The finished run, whose images can be told from others; `InputError` where it is none."
    run = ended(read_run(folder))
    if run.of: raise InputError(f'{folder} is itself {OTHERS[run.kind]}; give the run whose model it is, {run.of["folder"]}')
    if (run.folder/SIGNATURES).is_file() and (found := altered(run.folder, (SIGNATURES,))):
        raise InputError(f'{folder}: {found[0]}; put it back, or delete it: the images themselves are looked at then')
    return run


def checked_place(out):
    "The folder to write into; `InputError` where there is something in it."
    if out is None or not Path(out).exists() or (Path(out).is_dir() and not any(Path(out).iterdir())): return out
    raise InputError(f'{out} exists; give --out a new folder, or leave it out')


def made(place, run, name):
    "The new folder; beside the run, and named so, where no place is given."
    if place is None: return new_folder(run.folder.parent, name)
    Path(place).mkdir(parents=True, exist_ok=True)
    return Path(place).resolve()


def opened(folder, out, given, precision='float32') -> tuple:
    "A finished run, its metrics, the `Settings` of these and of `given`, where the new folder may be, and the run's model."
    run = checked_run(folder)
    own = read_json(run.folder/'metrics.json')
    choices, new = settings(own, **given), checked_place(out)
    return run, own, choices, new, Bundle.load(run.folder, precision, 'cuda' if torch.cuda.is_available() else 'cpu')


def unseen(data, run, cache):
    """The cohort of `data` decoded as the run's images were, without those that its model has seen, and the table of these, as `cleared`
    says."""
    found, cohort = read(data, run, cache)
    return cleared(run, cohort, found, cache)


def read(data, run, cache):
    "The cohort as its folder has it, and decoded as the run's images were."
    with bar('reading the cohort') as tick: found = find_cohort(data, cache, tick)
    with bar('decoding images') as tick: cohort = decoded(found, run.experiment, cache, tick)
    return found, sized(cohort, run.experiment.size)


def sized(cohort, size):
    "With a note of images that the reader has to enlarge."
    header = cohort.pixels.table.loc[cohort.table.path, ['height', 'width']]
    n = int((header.max(axis=1) < size).sum())
    return replace(cohort, notes=[*cohort.notes, *([f'{n:,} of {len(header):,} images are smaller than the {size} pixels that the network '
                                                    'takes: enlarged, they show less than its training images did']*(n > 0))])


def cleared(run, cohort, found, cache):
    """The `Prepared` cohort without the images that the model has seen, which are among its rejected ones, and the table of those, as
    `leaks.seen` gives it. `found` is the cohort before it was decoded. `InputError` where nothing, or one class alone, is left."""
    with bar('pictures of the run') as tick: ours = leaks.signatures_of(run.folder, run.cohort, cohort.pixels.how, cache, tick)
    theirs = None
    if ours is not None:
        with bar('pictures here') as tick: theirs = signatures(cohort.pixels, list(cohort.table.path), cohort.pixels.how[1], tick)
    left, own = leaks.seen(cohort.table, leaks.named(found, cohort.table), theirs, run.cohort, ours)
    rejected = pd.concat([cohort.rejected, left[['path', 'reason']].assign(reason=LEFT_OUT + left['reason'])], ignore_index=True)
    kept = cohort.table[~cohort.table.path.isin(left['path'])].reset_index(drop=True).assign(split='test')
    notes = [*cohort.notes, *leaks.in_words(left, own, ours, len(cohort.table))]
    check_left(kept, left, cohort)
    return replace(cohort, table=kept, rejected=rejected, notes=notes), left


def check_left(kept, left, cohort):
    if kept.empty:
        raise InputError(f'nothing is left of {cohort.name} to measure: all {len(left)} images, or their patients, are of those that the '
                         'model was trained or tuned on; give other images')
    if len(left) and kept.label.nunique() < 2:
        raise InputError(f'{len(kept)} images of {cohort.name} are left, all of one class: the model has seen the other {len(left)}, or '
                         'their patients; add images')


def probabilities(bundle, pixels, paths, tick) -> np.ndarray:
    "(members, n), from the cached pixels, which are those that `Bundle.pixels` would read."
    bundle.warm()
    rows, found, done = [pixels.row(p) for p in paths], [], 0
    for each in in_threads(lambda some: bundle.of_pixels(pixels.read(some)), parts(rows, BATCH)):
        found.append(each)
        tick(done := done + each.shape[1], len(rows))
    return np.concatenate(found, 1)


def predicted(bundle, cohort):
    "The cohort without the images that the network gives no number for, and its predictions.csv as a table."
    with bar('predicting') as tick: p = probabilities(bundle, cohort.pixels, cohort.table.path, tick).mean(0)
    bad = ~np.isfinite(p)
    lost = pd.DataFrame(dict(path=cohort.table.path[bad], reason=NO_NUMBER))
    rejected = pd.concat([cohort.rejected, lost], ignore_index=True)
    cohort = replace(cohort, table=cohort.table[~bad].reset_index(drop=True), rejected=rejected)
    check(cohort.table, cohort.rejected, cohort.name)
    return cohort, cohort.table[['path', 'patient', 'split', 'label']].assign(probability=p[~bad].astype(float))


def write_folder(folder, run, own, bundle, cohort, predictions, left, command, **more):
    "What the folder holds before anything is measured; `more` as `runs.external.write_of` takes it."
    shutil.copyfile(run.folder/'experiment.toml', folder/'experiment.toml')
    write(folder/'split.csv', csv_text(cohort.table.assign(boxes=cohort.table.boxes.map(json.dumps))))
    for name, table in (('rejected', cohort.rejected), ('left_out', left)): write(folder/f'{name}.csv', csv_text(table))
    write_table(folder/'predictions.csv', predictions)
    write_of(folder, run, own, place(run.folder)/WEIGHTS, **more)
    data = dict(name=cohort.name, layout=cohort.layout, synthetic=bool(cohort.synthetic or run.synthetic), notes=list(cohort.notes))
    learnt = {k: v for k, v in run.environment.items() if k in ('networks', 'weights')}
    environment = dict(command=command, experiment=run.name, data=data, precision=bundle.precision, checksums=SUMS, **learnt,
                       **machine(bundle.device, torch.get_num_threads()))
    write(folder/'environment.json', json.dumps(environment, indent=1))
