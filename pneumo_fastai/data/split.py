"Train, valid and test with no patient in two of them."
import hashlib

import pandas as pd

from ..errors import InputError
from .cohort import CLASSES
from .counts import counted, crossing

SPLITS = 'train', 'valid', 'test'
REMEDY = 'in a manifest.csv (path,label,patient,split)'
UNUSED = 'unused'  # the split of training patients that a share of them leaves out: neither trained on nor measured
HELD_OUT = 'held_out '  # how the note begins of a test split that is no random draw
PATIENTS = 2     # a split's smallest number of patients: of one there is nothing to resample


def assign_splits(
    table,       # a cohort's table: label, patient, split; further columns are kept
    valid=0.15,  # share of patients
    test=0.15,   # share of patients
    seed=0,
) -> pd.DataFrame:
    """A copy of `table` with `split` 'train', 'valid' or 'test' in every row.

    A patient's place depends on `seed` and the patient alone, so neither more images nor another order moves anyone. For the same
    reason nothing is stratified: prevalence is equal over splits in expectation only. A split that the data set ships is kept;
    a missing one is cut from its train by the shares of what is left: where valid is shipped, test is 15/85. Patients in a shipped
    valid or test are never cut, so a cut adds no crossing; their images without a split join them. Raises InputError where a share
    is out of range, an image has no patient, or a split would lack a class or hold fewer than PATIENTS patients."""
    if not (valid > 0 and test > 0 and valid + test < 1):
        raise InputError(f'valid={valid} and test={test} are no shares: both must be above 0 and together below 1')
    if table.patient.isna().any(): raise InputError(f'{table.patient.isna().sum()} images have no patient: give it {REMEDY}')
    shipped = table.split.where(table.split.notna(), None)
    held = {s: set(table.patient[shipped == s]) for s in ('test', 'valid') if (shipped == s).any()}
    shares = {s: share for s, share in (('test', test), ('valid', valid)) if s not in held}
    rest = sum(shares.values()) + 1 - valid - test
    homes = {p: home(p, held, {s: share/rest for s, share in shares.items()}, seed) for p in table.patient.unique()}
    cut = table.patient.map(homes)
    keep = shipped.isin(list(held)) | (shipped.notna() & cut.isin(list(held)))     # a crossing that was shipped stays
    return checked(table.assign(split=shipped.where(keep, cut).astype(object)), held, valid, test)


def assign_fold(
    table,       # a cohort's table
    folds,       # how many there are
    fold,        # which one is the test split, from 0
    valid=0.15,  # share of all patients
    seed=0,
) -> pd.DataFrame:
    """A copy of `table` with one fold of a cross-validation as its `split`: each patient is in test in exactly one of the folds.

    A patient's fold is a hash, and so is whether they are in valid where they are not in test: more images move nobody. Splits that
    the data set ships are not used. Raises InputError as `assign_splits` does."""
    def place(patient):
        if int(uniform(patient, seed) * folds) == fold: return 'test'
        return 'valid' if uniform(patient, f'{seed} valid') < valid / (1 - 1 / folds) else 'train'
    return checked(table.assign(split=table.patient.map(place).astype(object)), (), valid, 1 / folds)


def home(
    patient,
    held,    # patients of the shipped valid and test
    shares,  # of the patients left, for each split to cut
    seed,
):
    "The split of a patient's images that have none: where the data set has the patient, or else by hash."
    for split, patients in held.items():
        if patient in patients: return split
    u, top = uniform(patient, seed), 0
    for split, share in shares.items():
        top += share
        if u < top: return split
    return 'train'


def uniform(patient, seed):
    "A number in [0, 1) that any machine and any version finds for this patient and seed."
    return int.from_bytes(hashlib.sha256(f'{seed}:{patient}'.encode()).digest()[:6]) / 2**48


def share_of_train(
    table,     # with a split in every row
    fraction,  # of the training patients, above 0 and up to 1
    draw,      # a text, such as of seeds: another one draws other patients
) -> pd.DataFrame:
    """A copy of `table` with that share of its training patients in 'train' and the others in `UNUSED`; valid and test are as they were.

    Stratified: of the patients with pneumonia in an image and of those without, each ordered by a hash, the first are taken. Nested: of
    one draw, a smaller share's patients are among a larger one's. What is `UNUSED` already is dealt out anew. Raises InputError where
    fewer than PATIENTS patients of a class would be left."""
    rows = table.split.isin(['train', UNUSED])
    ill = table[rows].groupby('patient').label.max()
    taken = table.patient.isin([p for k in (0, 1) for p in first_of(ill.index[ill == k], fraction, draw)])
    for k, name in enumerate(CLASSES):
        n, of = (table.patient[some & (table.label == k)].nunique() for some in (rows & taken, rows))
        if fraction < 1 and n < PATIENTS:
            raise InputError(f'fraction {fraction:g} of train would leave {n} of its {of} patients with {name}; give a greater one, '
                             f'for at least {PATIENTS}')
    return table.assign(split=table.split.mask(rows, 'train').mask(rows & ~taken, UNUSED))


def first_of(patients, fraction, draw): return sorted(patients, key=lambda p: uniform(p, f'{draw} share'))[:round(fraction*len(patients))]


def checked(table, shipped, valid, test):
    "`table`; raises InputError where a split lacks a class or patients. `shipped` are the splits that were not cut here."
    train = 1 - valid - test
    for split in SPLITS:
        if not (why := lack(table[table.split == split])): continue
        if split in shipped: raise InputError(f'the shipped {split} split holds {why}: add images to it, or remove it to have one cut')
        counts = ' and '.join(f'{table.patient[table.label == k].nunique()} patients with {CLASSES[k]}' for k in (0, 1))
        raise InputError(f'the {split} split would hold {why}: {counts} are too few for {train:.0%}/{valid:.0%}/{test:.0%}; '
                         f'add images, or name the splits {REMEDY}')
    return table


def lack(part):
    "What a split of these rows has too little of, in words; None for nothing."
    if few := next((f'no image of class {CLASSES[k]!r}' for k in (0, 1) if not (part.label == k).any()), None): return few
    return f'{part.patient.nunique()} patient only' if part.patient.nunique() < PATIENTS else None


def unused(table): return [UNUSED]*bool((table.split == UNUSED).any())


def check_disjoint(table):
    "Raises InputError where a patient stands in two splits, or where an image without patient or split leaves that unknown."
    blank = int((table.patient.isna() | table.split.isna()).sum())
    if blank: raise InputError(f'{blank} images have no patient or no split: give both, {REMEDY}')
    if n := crossing(table):
        raise InputError(f'{n} patients have images in more than one split: give each one split, {REMEDY}')


def split_summary(table) -> pd.DataFrame:
    "Index train, valid, test, unused where any is, all; columns images, patients, pneumonia (images), prevalence (0 to 1, NaN of none)."
    parts = {**{s: table[table.split == s] for s in (*SPLITS, *unused(table))}, 'all': table}
    return pd.DataFrame([counted(t) for t in parts.values()], index=list(parts)).astype(dict(prevalence=float))
