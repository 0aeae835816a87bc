"A table of labels that are known to be right, held against the images of a run."
from pathlib import PurePath

import pandas as pd

from ..csv_files import read_csv
from ..errors import InputError


def known_labels(
    file,    # a CSV with the columns path and label
    images,  # the run's paths
):
    """The label [images] that it gives each image, NaN where it gives none. An image is known by its whole path, or by its file's name
    where neither the images nor the table has that name twice. Raises `InputError` where the table is none, or names no image."""
    table, images = read_labels(file), pd.Series(list(images), dtype=object)
    label, own = table.set_index('path')['label'], images.map(name_of)
    by_name = pd.Series(label.to_numpy(), table['path'].map(name_of))
    by_name = by_name[~by_name.index.duplicated(keep=False)]
    found = images.map(label).fillna(own.mask(own.duplicated(keep=False)).map(by_name))
    if found.isna().all(): raise InputError(f'{file} names none of the {len(images)} images of the run, one is {images[0]!r}; give in the '
                                            'column path whole paths, or names of files that no two images have')
    return found.to_numpy(dtype=float)


def name_of(path): return PurePath(path).name


def read_labels(file):
    try: table = read_csv(file, dtype=str, keep_default_na=False, na_values=[''])
    except FileNotFoundError: raise InputError(f'{file} does not exist; give a CSV with the columns path and label') from None
    if missing := [c for c in ('path', 'label') if c not in table]:
        raise InputError(f'{file} lacks the column {missing[0]!r}; give a CSV with the columns path and label')
    label = pd.to_numeric(table['label'], errors='coerce')
    if (bad := ~label.isin((0, 1))).any():
        raise InputError(f'{file} has {bad.sum()} rows whose label is neither 0 nor 1, one is {str(table["label"][bad].iloc[0])!r}; '
                         'give 1 for pneumonia, else 0')
    if (twice := table['path'].duplicated() | table['path'].isna()).any():
        raise InputError(f'{file} has {twice.sum()} rows without a path of their own; give one row an image')
    return table.assign(label=label)
