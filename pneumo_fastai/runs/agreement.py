"Whether two tables say the same of each image: its split, its patient, its label."
from .tables import SPLITS

SAME = 'split', 'patient', 'label'


def differing(a, b):
    "(column, the paths whose value is another) for each of `SAME` in which two tables, indexed by path and of the same images, differ."
    for column in SAME:
        one, other = (t[column].astype(object).where(t[column].notna(), None) for t in (a, b.loc[a.index]))
        if (wrong := one.to_numpy() != other.to_numpy()).any(): yield column, a.index[wrong]


def doubts(predictions, cohort):
    "What predictions.csv says otherwise than split.csv of the images of valid and test, a sentence each."
    said, held = predictions.set_index('path'), cohort[cohort['split'].isin(SPLITS[1:])].set_index('path')
    if len(more := said.index.difference(held.index)):
        yield f'predictions.csv has {len(more):,} images that are not in valid or test of split.csv, the first is {more[0]!r}'
    if len(lost := held.index.difference(said.index)):
        yield f'predictions.csv lacks {len(lost):,} images of valid and test of split.csv, the first is {lost[0]!r}'
    both = held.loc[held.index.intersection(said.index).sort_values()]
    for column, paths in differing(both, said):
        was, now = both.loc[paths[0], column], said.loc[paths[0], column]
        yield (f'predictions.csv gives {len(paths):,} images another {column} than split.csv, the first is {paths[0]!r} '
               f'({now!s} instead of {was!s})')
