import re

import numpy as np
import pandas as pd

from pneumo_fastai.report.sections.cohort import MOST, characteristics, exclusions, share


def test_flow_adds_up(plain):
    run, text, _, _ = plain
    flow = re.search(r'<div class="flow">.*?</section>', text, re.S).group()
    assert '302 images' in flow and 'Excluded: 2' in flow and '1: cannot be read' in flow and '300 images of 100 patients' in flow
    used = pd.read_csv(run/'split.csv').split.value_counts()
    for split in ('train', 'valid', 'test'): assert f'{used[split]} images of {used[split]//3} patients' in flow


def test_the_rarest_reasons_are_summed_up_so_that_none_is_lost():
    few = pd.DataFrame(dict(reason=['b', 'a', 'c', 'c']))
    assert exclusions(few) == [('c', 2), ('a', 1), ('b', 1)] and exclusions(few[:0]) == []
    many = pd.DataFrame(dict(reason=[f'{k}' for k in range(MOST + 3) for _ in range(k + 1)]))
    found = exclusions(many)
    assert len(found) == MOST + 1 and sum(n for _, n in found) == len(many)
    assert found[0] == (f'{MOST + 2}', MOST + 3) and found[-1] == ('3 other reasons, listed in rejected.csv', 1 + 2 + 3)


def table(n=40):
    i = np.arange(n)
    return pd.DataFrame(dict(split=np.array(['train', 'valid', 'test'])[i % 3], patient=i//2, label=i % 2, view=np.where(i % 4, 'PA', None),
                             sex=None, age=np.where(i % 5, 20. + i, np.nan), detail=None))


def test_values_and_what_is_not_stated_add_up_to_the_images_of_each_split():
    header, rows = characteristics(table())
    named = {row[0]: row[1:] for row in rows}
    assert header == ('', 'train', 'valid', 'test', 'all') and named['images'] == ('14', '13', '13', '40')
    assert named['view: not stated'][-1] == '10 (25.0%)' and named['view: PA'][-1] == '30 (75.0%)'
    for k, images in enumerate(named['images']):
        assert sum(int(named[f'view: {v}'][k].split()[0]) for v in ('PA', 'not stated')) == int(images)
    known = table().age.dropna()
    assert named['age in years, median (quartiles)'][-1] == f'{known.median():.0f} ({known.quantile(.25):.0f} to {known.quantile(.75):.0f})'
    assert named['age: not stated'][-1] == '8 (20.0%)' and not [name for name in named if name.startswith(('sex', 'class'))]


def test_a_split_without_images_divides_by_nothing():
    assert share(0, 0) == '0' and share(1, 3) == '1 (33.3%)'
    _, rows = characteristics(table().assign(split='train'))
    assert dict((row[0], row[1:]) for row in rows)['age in years, median (quartiles)'][1] == 'not stated'
