"A cohort made ready for training: decoded, its rejects set aside, its header fields and splits filled in."
import logging
import os
import shutil
from dataclasses import dataclass, replace
from itertools import count

import pandas as pd

from ..errors import InputError
from ..experiment import DATA, reading
from .cache import Pixels, home, open_pixels
from .cohort import Cohort, read_cohort
from .counts import crossing
from .decoding.dicom import square_boxes
from .decoding.grey import HIGH, LOW
from .decoding.header import not_frontal
from .held_out import held_apart
from .split import UNUSED, assign_fold, assign_splits, check_disjoint, share_of_train, unused

DEMO_IMAGES, DEMO_VERSION = 440, 1  # another version is drawn beside the old one
SHARE = 'fraction '  # how the note of it begins
log = logging.getLogger(__name__)


@dataclass
class Prepared(Cohort):
    "A `Cohort` whose every row is decoded and belongs to a split."
    pixels:Pixels = None
    made_for:tuple = ()  # what of the experiment decided pixels and splits


def prepare(
    cohort,      # a `Cohort`
    experiment,  # an `Experiment`: what `DATA` names, fraction, seed and box_guidance matter here
    cache=None,  # the cache folder; None: the user's
    tick=None,   # progress of decoding, see `open_pixels`
    fold=0,      # which fold is the test split, where the experiment has folds
) -> Prepared:
    "Decode, set rejects aside, fill view, age, sex and missing patients from the headers, assign splits. Done twice, it changes nothing."
    cohort = thinned(split_up(cohort, experiment, cache, tick, fold), experiment)
    return guided(cohort, experiment.guided_by) if experiment.box_guidance else cohort


def bare(experiment):
    "The experiment as far as it decides pixels and splits, which neither guidance nor fraction do."
    return replace(experiment, box_guidance=0., guided_by='boxes', fraction=1.)


def stepped(cohort, experiment) -> Prepared:
    "`cohort`; raises `InputError` where its train, or that of any fold, has too few images for a single step."
    tables = folds_of(cohort.table, experiment) if experiment.folds else [cohort.table]
    size, n = experiment.batch_size, min(int((table.split == 'train').sum()) for table in tables)
    if size <= n: return cohort
    raise InputError(f'batch_size is {size:,}, but train has {n:,} images, fewer than one step takes; give at most {n:,}'
                     + ', or a greater fraction'*(experiment.fraction < 1))


def folds_of(table, e) -> list:
    return [share(assign_fold(table, e.folds, k, e.valid, e.split_seed), e) for k in range(e.folds)]


def share(table, e):
    """`table` with `fraction` of its training patients. Those are drawn by seed, as weights and order are, so that the spread over seeds
    is that of what so many patients bring, not of training these very ones; seeds of fraction 1 have the same patients."""
    return share_of_train(table, e.fraction, f'{e.split_seed} {e.seed}') if e.fraction < 1 or unused(table) else table


def thinned(cohort, e) -> Prepared:
    "With that share, and a note of how many it is."
    if (table := share(cohort.table, e)) is cohort.table: return cohort
    notes, train = [o for o in cohort.notes if not o.startswith(SHARE)], table[table.split == 'train']
    if e.fraction == 1: return replace(cohort, table=table, notes=notes)
    of = table.patient[table.split.isin(['train', UNUSED])].nunique()
    note = f'{SHARE}{e.fraction:g}: {train.patient.nunique():,} of {of:,} training patients, with {len(train):,} images, are trained on'
    return replace(cohort, table=table, notes=[*notes, note])


def guided(cohort, by) -> Prepared:
    "With a note of what heatmaps learn from. Raises `InputError` where that is boxes and none of train has any."
    if by == 'labels': return noted(cohort, 'heatmaps are taught where images with pneumonia differ from those without, not boxes')
    sick = cohort.table[cohort.table.label == 1]
    boxes = sick.boxes.map(bool)
    if not boxes[sick.split == 'train'].any():
        raise InputError(f'box_guidance learns from readers\' boxes, and {cohort.name} has none in train; take guided_by labels, '
                         'or set it to 0 to do without')
    return noted(cohort, f'heatmaps are taught boxes, which {boxes.sum():,} of the {len(sick):,} images with pneumonia have')


def noted(cohort, note) -> Prepared:
    "With `note` as its last, once."
    return replace(cohort, notes=[*(o for o in cohort.notes if o != note), note])


def split_up(cohort, experiment, cache, tick, fold) -> Prepared:
    "`prepare`, without a look at the boxes."
    if not isinstance(cohort, Prepared):
        shipped = experiment.folds and cohort.table.split.notna().any()
        cohort = decoded(cohort, experiment, cache, tick)
        if shipped: cohort.notes.append('the splits that the data set ships are not used: --folds makes its own')
    elif cohort.made_for != deciding(experiment):
        raise InputError(f'the cohort {cohort.name} was prepared for another size, aspect, grey or split; '
                         'give the one that read_cohort returned')
    elif cohort.table.split.notna().all() and not experiment.folds: return cohort
    if experiment.folds:  # all of them, so that one that cannot be is told before the first is trained
        return replace(cohort, table=folds_of(cohort.table, experiment)[fold])
    if experiment.held_out != 'none': cohort = held_apart(cohort, experiment, as_read(cohort, experiment, cache, tick))
    table = assign_splits(cohort.table, experiment.valid, experiment.test, experiment.split_seed)
    if cohort.table.split.isna().all(): check_disjoint(table)  # what the data set ships is kept, and noted
    return replace(cohort, table=table, notes=[*cohort.notes, *_crossing_note(table)])


def as_read(cohort, e, cache, tick) -> Pixels:
    "The cohort's with grey levels as read: spread evenly, all images are alike in them."
    if e.grey == 'windowed': return cohort.pixels
    return open_pixels(cohort.table.path, *reading(replace(e, grey='windowed')), folder=cache, tick=tick)


def deciding(e) -> tuple: return tuple(getattr(e, name) for name in DATA)


def decoded(cohort, experiment, cache=None, tick=None) -> Prepared:
    "`prepare` up to the splits, which stay as they were shipped."
    pixels = open_pixels(cohort.table.path, *reading(experiment), folder=cache, tick=tick)
    header = pixels.table.reindex(cohort.table.path).reset_index(drop=True)
    table = cohort.table.reset_index(drop=True).copy()
    for column in ('view', 'sex', 'age'): table[column] = table[column].where(table[column].notna(), header[column])
    table['patient'] = table.patient.where(table.patient.notna(), header.patient)
    reason = header.reason.where(header.reason.notna() | experiment.any_view, table['view'].map(not_frontal))  # labels may know better
    bad, nobody = reason.notna(), table.patient.isna()
    table['patient'] = table.patient.where(~nobody, table.pop('name'))
    notes = [*cohort.notes, *_film_notes(header[~bad]), *_nobody_note(int((nobody & ~bad).sum()))]
    if bad.all(): raise InputError(f'{cohort.name}: none of the {len(table)} images can be read; the first: {reason[0]}')
    refused = pd.DataFrame({'path': table.path[bad], 'reason': reason[bad]})
    return Prepared(**vars(replace(cohort, table=table[~bad].reset_index(drop=True), notes=notes,
                                   rejected=pd.concat([cohort.rejected, refused], ignore_index=True))), pixels=pixels,
                    made_for=deciding(experiment))


def _nobody_note(n):
    return [f'{n} images have no patient in labels or header: each counts as a patient of its own, known by its path in the data set, '
            'so images of one patient may cross splits'] if n else []


def _film_notes(header):
    "What the reader decided where the files leave it open."
    counts = {'hold several frames: the first of each is used': header.frames > 1,
              f'have more than 8 bits and no window: percentiles {100 * LOW:g} and {100 * HIGH:g} of each are black and white':
                  header.scale == 'percentiles',
              'have pixels that are not square: resampled': (header.tall - 1).abs() > 1e-3}
    return [f'{int(which.sum())} files {what}' for what, which in counts.items() if which.any()]


def _crossing_note(table):
    n = crossing(table)
    return [f'{n} patients, by their names, stand in more than one of the splits that the data set ships, which are kept as they are: '
            'the test numbers may be too good'] if n else []


def boxes_in_square(cohort, path, experiment) -> list:
    "The boxes of one image in the frame of the pixels that the network sees."
    return rows_in_square(cohort, cohort.table[cohort.table.path == path], experiment)[0]


def rows_in_square(cohort, rows, experiment) -> list:
    "The same of each of some rows of the cohort's table."
    sources, e = cohort.pixels.table.loc[rows.path], experiment
    return [square_boxes(boxes, s.height, s.width, e.size, e.aspect, s.tall)
            for boxes, s in zip(rows.boxes, sources.itertuples(), strict=True)]


def find_cohort(
    data,        # 'demo', or what `read_cohort` takes
    cache=None,  # the cache folder; None: the user's
    tick=None,   # called after each image of the demo set drawn, with (done, in all)
    classes=2,   # as for `read_cohort`
) -> Cohort:
    "A cohort by name: the demo set is drawn into the cache folder the first time."
    return read_cohort(data, classes) if data != 'demo' else replace(demo_cohort(cache, tick), name='demo')


def from_anywhere(data) -> str:
    "`find_cohort`'s data from any folder: a path is absolute, its links as typed, for they are in the names of images."
    return data if data == 'demo' else os.path.abspath(os.path.expanduser(data))


def demo_cohort(cache=None, tick=None) -> Cohort:
    "The synthetic demo set, drawn where it is not there or lacks anything; two processes that ask at once draw it once."
    from filelock import FileLock

    from .demo.phantom import write_demo
    folder = home(cache)/f'demo-{DEMO_IMAGES}-v{DEMO_VERSION}'
    folder.parent.mkdir(parents=True, exist_ok=True)
    done = count(1)
    with FileLock(folder.with_suffix('.lock')):
        if cohort := whole_demo(folder): return cohort
        if folder.exists():
            log.warning('the demo set in %s is damaged: it is drawn again', folder)
            shutil.rmtree(folder)
        write_demo(folder, DEMO_IMAGES, tick=lambda: tick(next(done), DEMO_IMAGES) if tick else None)
        return read_cohort(folder)


def whole_demo(folder) -> Cohort | None:
    "The demo set there; None where it lacks a file."
    if not folder.is_dir(): return None
    try: cohort = read_cohort(folder)
    except InputError: return None
    return cohort if cohort.synthetic and len(cohort.table) == DEMO_IMAGES and not cohort.notes else None
