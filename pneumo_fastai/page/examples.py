"Radiographs of the demo set to try the page with: drawn by a program, none that the model learnt from."
from pathlib import Path
from tempfile import TemporaryDirectory

from ..data.cohort import CLASSES, read_cohort
from ..data.demo.phantom import write_demo

EACH, DRAWN, SEED = 3, 6, 1  # another seed than that of the demo set: other patients


def examples(subject) -> list[tuple[str, bytes, str]]:
    "(name, bytes, true class): images of the run's test set where it is of the demo set, others drawn anew where not."
    if found := of_test(subject.run): return read(found)
    with TemporaryDirectory() as folder:
        write_demo(Path(folder)/'demo', DRAWN, SEED, jobs=1)
        return read(some(read_cohort(Path(folder)/'demo', classes=1).table))


def of_test(run) -> list:
    "The first of each class in test, where the run is of the demo set and its images are where they were."
    if run is None or not run.synthetic: return []
    return [row for row in some(run.cohort[run.cohort['split'] == 'test']) if Path(row.path).is_file()]


def some(table) -> list: return [row for _, rows in table.groupby('label') for row in rows.head(EACH).itertuples()]


def read(rows):
    return [(f'example {i}', Path(row.path).read_bytes(), CLASSES[row.label]) for i, row in enumerate(rows, 1)]
