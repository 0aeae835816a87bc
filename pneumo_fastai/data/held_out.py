"""A test set that is no random draw but the patients whose images are of one kind, so that training sees none of it: as near to another
hospital as one data set comes."""
from dataclasses import replace

import numpy as np
import pandas as pd

from ..errors import InputError
from .borders import SIDES, bar, blocks, side_first
from .counts import counted
from .layout import SIDE, small
from .split import HELD_OUT, lack, uniform


def detail(image) -> float:
    "How far neighbouring pixels are apart, in % of the grey levels' standard deviation: low in a blurred image, in a noisy one high."
    x = image.astype(np.float32)
    steps = [np.square(np.diff(x, axis=axis)).mean() for axis in (0, 1)]
    return 100*np.sqrt(np.mean(steps) / max(x.var(), 1e-6))


def framed(image) -> float:
    "How much of the sides is bars of one tone at the edges, in %."
    return 100*sum(bar(side_first(image[None], side))[0][0] for side in SIDES)


EXTREMES = {  # what is measured of an image (h, w) without padding, which end is held out, and both in words
    'dark': (np.mean, 1, 'darkest', 'mean grey level', 'up to'),
    'bright': (np.mean, -1, 'brightest', 'mean grey level', 'from'),
    'flat': (np.std, 1, 'flattest', 'standard deviation of the grey levels', 'up to'),
    'blurred': (detail, 1, 'most blurred', "neighbouring pixels' difference in % of the grey levels' spread", 'up to'),
    'sharp': (detail, -1, 'sharpest', "neighbouring pixels' difference in % of the grey levels' spread", 'from'),
    'framed': (framed, -1, 'most framed', 'bars at the edges in % of the sides', 'from')}


def held_apart(
    cohort,      # `Prepared`, but for the splits
    experiment,  # held_out says by what, test and aspect matter
    pixels,      # of the cohort, in grey levels as read
):
    """`cohort` with the split 'test' for the patients held out, none for the others, and a note of who they are. All images of a patient
    count, by their mean; labels do not. Raises `InputError` where test or the rest would lack a class or patients.

    Unlike a split by hash, more images may move the patients near the cut."""
    e, table = experiment, cohort.table
    some, who = (clustered if e.held_out == 'cluster' else extreme)(replace(cohort, pixels=pixels), e)
    test = table.patient.isin(some)
    for part, name in ((table[test], 'test'), (table[~test], 'the rest')):
        if why := lack(part): raise InputError(f'held_out {e.held_out}: {name} would hold {why}; take another kind, or share as test')
    there, rest = (counted(table[rows])['prevalence'] for rows in (test, ~test))
    note = (f'{HELD_OUT}{e.held_out}: test is no random draw but the {len(some):,} patients {who}; prevalence is {there:.0%} there, '
            f'{rest:.0%} in the rest')
    unused = ['the splits that the data set ships are not used: held_out makes its own'] if table.split.notna().any() else []
    return replace(cohort, table=table.assign(split=np.where(test, 'test', None)), notes=[*cohort.notes, *unused, note])


def by_patient(cohort, aspect, measure) -> pd.DataFrame:
    "The mean over their images of what `measure` finds of an image (h, w), a row a patient."
    parts = [pd.DataFrame(np.array([measure(image) for image in images]), index=some)
             for some, images in blocks(cohort.pixels, cohort.table.path, aspect)]
    return pd.concat(parts).sort_index().groupby(cohort.table.patient.to_numpy()).mean()


def extreme(cohort, e) -> tuple:
    "The share `test` of the patients at one end of the range, and who they are."
    measure, sign, which, what, reach = EXTREMES[e.held_out]
    value = by_patient(cohort, e.aspect, measure)[0]
    some = sorted(value.index, key=lambda p: (sign*value[p], uniform(p, e.held_out)))[:round(e.test*len(value))]
    cut = f', {what} {reach} {value[some[-1]]:.1f}' if some else ''
    return some, f'with the {which} images{cut}'


def clustered(cohort, e) -> tuple:
    """Those of the cluster whose size is nearest to the share `test`, and who they are: k-means of about 1/`test` clusters on how images
    are laid out, `small`, which exposure and contrast leave as it is."""
    looks = by_patient(cohort, e.aspect, lambda image: small(image).ravel().astype(np.float32))
    k = max(2, round(1/e.test))
    kinds = len(np.unique(looks.to_numpy(), axis=0))
    if kinds < k: raise InputError(f'held_out cluster makes {k} clusters, and the patients have {kinds} looks; take another kind')
    found = clusters(looks.to_numpy(), k)
    sizes = np.bincount(found, minlength=k)
    nearest = np.argmin(abs(sizes - e.test*len(looks)))
    return list(looks.index[found == nearest]), f'of one of {k} clusters of how images look (k-means on {SIDE} x {SIDE} places)'


def clusters(looks, k):
    "[patients]: the cluster of each, the same with any number of threads."
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits
    with threadpool_limits(1): return KMeans(k, n_init=10, random_state=0).fit_predict(looks)
