import pandas as pd

from pneumo_fastai.report.figures.heatmaps import cases


def test_the_four_cases_are_the_clearest_of_each_kind_and_none_is_made_up():
    rows = pd.DataFrame(dict(path=list('abcdefgh'), label=[1, 1, 1, 1, 0, 0, 0, 0], probability=[.9, .8, .3, .2, .7, .6, .1, .05]))
    found = cases(rows, .5)
    assert dict(zip(found.case, found.path, strict=True)) == {
        'pneumonia, found': 'a', 'pneumonia, missed': 'd', 'healthy, false alarm': 'e', 'healthy, called so': 'h'}
    assert list(cases(rows[rows.label == 1], 0).case) == ['pneumonia, found']
