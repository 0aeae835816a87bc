"Which images of another data set a model has seen, or whose patients: told by the picture, whatever its name, or by the patient's ID."
import os

import numpy as np
import pandas as pd

from .cache import open_pixels
from .signatures import ALIKE, FILE, load, nearest, signatures

SEEN = 'train', 'valid'  # its weights were fitted to the one; epoch, threshold and calibrator were chosen on the other
COPY, PATIENT = 'the picture of an image of train or valid', 'of a patient of train or valid, by ID'
RELATED = 'of the patient of such a picture'
UNCOMPARED = ('the pictures could not be compared with those of training: the run kept no signatures of its images and they are gone; '
              'patients\' IDs alone were')
COLUMNS = ['path', 'patient', 'reason', 'like', 'correlation']


def signatures_of(
    folder,  # a run's
    table,   # its split.csv
    how,     # size, aspect, any_view and grey of its images
    cache=None, tick=None,
):
    "`signatures` of the run's images, or None where it kept none and the images are gone."
    if (path := folder/FILE).is_file(): return load(path, len(table))
    if not all(map(os.path.exists, table['path'])): return None
    return signatures(open_pixels(table['path'], *how, folder=cache, tick=tick), list(table['path']), how[1])


def named(cohort, table) -> np.ndarray:
    "Whether each row of `table` has a patient whose ID means the same elsewhere: it is no path within the data set."
    names = cohort.table.set_index('path')['name'].reindex(table['path'])
    return (~table['patient'].str.contains('/') & (table['patient'].to_numpy() != names.to_numpy())).to_numpy()


def seen(
    table,   # of the other data set: path, patient
    known,   # of each row whether its patient's ID may be compared, as `named` tells
    theirs,  # `signatures` of it, or None
    run,     # split.csv of the run: path, patient, split
    ours,    # `signatures` of it, or None: IDs alone are compared then
) -> tuple[pd.DataFrame, int]:
    """The images to leave out (COLUMNS: `like` is an image of the run, correlation is blank where the ID tells), and how many of the others
    are the run's own test images: those stay, even where a set had them in train too, for the run was measured on them."""
    used = run[run['split'].isin(SEEN)]
    copy, like, own = pictures(theirs, run, ours) if ours is not None else nothing(len(table))
    first = used.drop_duplicates('patient').set_index('patient')['path']
    by_id = known & table['patient'].isin(first.index).to_numpy() & ~own & ~copy.astype(bool)
    related = table['patient'].isin(table['patient'][copy > 0]).to_numpy() & ~own & ~by_id & ~copy.astype(bool)
    out = pd.DataFrame(dict(path=table['path'], patient=table['patient'], reason=None, like=like,
                            correlation=np.where(copy > 0, copy.round(3), np.nan)), dtype=object)
    out.loc[copy > 0, 'reason'], out.loc[by_id, 'reason'], out.loc[related, 'reason'] = COPY, PATIENT, RELATED
    out.loc[by_id, 'like'] = table['patient'][by_id].map(first)
    return out[out['reason'].notna()].reset_index(drop=True), int(own.sum())


def nothing(n): return np.zeros(n), np.full(n, None), np.zeros(n, bool)


def pictures(theirs, run, ours):
    "Of each image: the correlation with the image of train or valid that it is (0: none), that image's path, whether it is one of test."
    seen, test = (np.flatnonzero(rows) for rows in (run['split'].isin(SEEN), run['split'] == 'test'))
    (r, place), (r_test, _) = (nearest(theirs, ours[rows]) for rows in (seen, test))
    own = (r_test >= ALIKE) & (r_test >= r)
    copy = np.where((r >= ALIKE) & ~own, r, 0)
    like = np.full(len(theirs), None)
    like[copy > 0] = run['path'].to_numpy(object)[seen[place[copy > 0]]]
    return copy, like, own


def in_words(left, own, ours, n) -> list[str]:
    "What was left out of n images and why, a note each."
    notes = [] if ours is not None else [UNCOMPARED]
    for reason, rows in left.groupby('reason'):
        notes.append(f'{len(rows):,} of {n:,} images left out: {reason}')
    if ours is not None and (left['reason'] == PATIENT).any() and (left['reason'] != COPY).all():
        notes.append('none of those left out by their ID has a picture of the run: where two places number their patients alike by chance, '
                     'give them other IDs in a manifest.csv')
    if own: notes.append(f'{own:,} images are the run\'s own test images: the two sets are not independent, and no interval of a '
                         'difference between them holds')
    return notes
