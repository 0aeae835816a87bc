"Train, valid and test with no person in two of them."
import hashlib

import pandas as pd

from ..errors import InputError
from .cohort import CLASSES

SPLITS = 'train', 'valid', 'test'
REMEDY = 'in a manifest.csv (path,label,person,split)'
PERSONS = 2     # a split's smallest number of persons: of one there is nothing to resample


def assign_splits(
    table,       # a cohort's table: label, person, split; further columns are kept
    valid=0.15,  # share of persons
    test=0.15,   # share of persons
    seed=0,
) -> pd.DataFrame:
    """A copy of `table` with `split` 'train', 'valid' or 'test' in every row.

    A person's place depends on `seed` and the person alone, so neither more images nor another order moves anyone. For the same
    reason nothing is stratified: prevalence is equal over splits in expectation only. A split that the data set ships is kept;
    a missing one is cut from its train by the shares of what is left: where valid is shipped, test is 15/85. Persons in a shipped
    valid or test are never cut, so a cut adds no crossing; their images without a split join them. Raises InputError where a share
    is out of range, an image has no person, or a split would lack a class or hold fewer than PERSONS persons."""
    if not (valid > 0 and test > 0 and valid + test < 1):
        raise InputError(f'valid={valid} and test={test} are no shares: both must be above 0 and together below 1')
    if table.person.isna().any(): raise InputError(f'{table.person.isna().sum()} images have no person: give it {REMEDY}')
    shipped = table.split.where(table.split.notna(), None)
    held = {s: set(table.person[shipped == s]) for s in ('test', 'valid') if (shipped == s).any()}
    shares = {s: share for s, share in (('test', test), ('valid', valid)) if s not in held}
    rest = sum(shares.values()) + 1 - valid - test
    homes = {p: home(p, held, {s: share/rest for s, share in shares.items()}, seed) for p in table.person.unique()}
    cut = table.person.map(homes)
    keep = shipped.isin(list(held)) | (shipped.notna() & cut.isin(list(held)))     # a crossing that was shipped stays
    return checked(table.assign(split=shipped.where(keep, cut).astype(object)), held, valid, test)


def assign_fold(
    table,       # a cohort's table
    folds,       # how many there are
    fold,        # which one is the test split, from 0
    valid=0.15,  # share of all persons
    seed=0,
) -> pd.DataFrame:
    """A copy of `table` with one fold of a cross-validation as its `split`: each person is in test in exactly one of the folds.

    A person's fold is a hash, and so is whether they are in valid where they are not in test: more images move nobody. Splits that
    the data set ships are not used. Raises InputError as `assign_splits` does."""
    def place(person):
        if int(uniform(person, seed) * folds) == fold: return 'test'
        return 'valid' if uniform(person, f'{seed} valid') < valid / (1 - 1 / folds) else 'train'
    return checked(table.assign(split=table.person.map(place).astype(object)), (), valid, 1 / folds)


def home(
    person,
    held,    # persons of the shipped valid and test
    shares,  # of the persons left, for each split to cut
    seed,
):
    "The split of a person's images that have none: where the data set has the person, or else by hash."
    for split, persons in held.items():
        if person in persons: return split
    u, top = uniform(person, seed), 0
    for split, share in shares.items():
        top += share
        if u < top: return split
    return 'train'


def uniform(person, seed):
    "A number in [0, 1) that any machine and any version finds for this person and seed."
    return int.from_bytes(hashlib.sha256(f'{seed}:{person}'.encode()).digest()[:6]) / 2**48


def checked(table, shipped, valid, test):
    "`table`; raises InputError where a split lacks a class or persons. `shipped` are the splits that were not cut here."
    train = 1 - valid - test
    for split in SPLITS:
        part = table[table.split == split]
        lack = next((f'no image of class {CLASSES[k]!r}' for k in (0, 1) if not (part.label == k).any()), None)
        if not lack and part.person.nunique() < PERSONS: lack = f'{part.person.nunique()} person only'
        if not lack: continue
        if split in shipped: raise InputError(f'the shipped {split} split holds {lack}: add images to it, or remove it to have one cut')
        counts = ' and '.join(f'{table.person[table.label == k].nunique()} persons with {CLASSES[k]}' for k in (0, 1))
        raise InputError(f'the {split} split would hold {lack}: {counts} are too few for {train:.0%}/{valid:.0%}/{test:.0%}; '
                         f'add images, or name the splits {REMEDY}')
    return table


def crossing(table) -> int:
    "How many persons have images in more than one split."
    return int((table.groupby('person').split.nunique() > 1).sum())


def check_disjoint(table):
    "Raises InputError where a person stands in two splits, or where an image without person or split leaves that unknown."
    blank = int((table.person.isna() | table.split.isna()).sum())
    if blank: raise InputError(f'{blank} images have no person or no split: give both, {REMEDY}')
    if n := crossing(table):
        raise InputError(f'{n} persons have images in more than one split: give each one split, {REMEDY}')


def split_summary(table) -> pd.DataFrame:
    "Index train, valid, test, all; columns images, persons, pneumonia (images) and prevalence (a fraction, NaN where there is no image)."
    parts = {**{s: table[table.split == s] for s in SPLITS}, 'all': table}
    rows = [(len(t), t.person.nunique(), int(t.label.sum()), t.label.mean()) for t in parts.values()]
    return pd.DataFrame(rows, index=list(parts), columns=['images', 'persons', 'pneumonia', 'prevalence'])
