"Which images a run is of, wherever they lie."
import os
from hashlib import sha256


def within(paths) -> list:
    "Each path within what all have in common: a copy of a data set elsewhere, as on another machine, holds the same images."
    try: root = os.path.commonpath(list(paths))
    except ValueError: return list(paths)  # some absolute, some not
    return [o.removeprefix(root).lstrip('/') for o in paths]


def fingerprint(cohort) -> str:
    "Of its images and whose they are."
    rows = cohort[['path', 'patient']].astype(str)
    rows = rows.assign(path=within(rows['path'])).sort_values('path')
    return sha256(rows.to_csv(index=False).encode('utf-8', 'surrogateescape')).hexdigest()
