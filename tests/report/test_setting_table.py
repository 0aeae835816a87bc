import pandas as pd
import pytest

from pneumo_fastai.evaluation.metrics import METRICS
from pneumo_fastai.report.setting_table import HIDDEN, amount, between, difference, frame, on_screen, p_value, table


def block(mean): return dict(metrics={m: dict(mean=mean, sd=.01, by_repetition=[mean]*2) for m in METRICS}, n=[60, 90], patients=[20, 30])


def row(setting, valid, test, chosen=False):
    gap = dict(value=.1, low=.05, high=.15, p=.02, holm=.04)
    return dict(setting=setting, chosen=chosen, valid=block(valid), test=test and block(test), valid_difference=gap,
                test_difference=test and dict(gap, value=.2), minutes=dict(mean=12.), images_per_second=dict(mean=None), repetitions=[0, 1],
                planned=3)


def facts(revealed):
    rows = [row('a', .7, .6 if revealed else None), row('b', .8, .75, chosen=True)]
    return dict(rows=rows, revealed=revealed, data='d', synthetic=False)


@pytest.mark.parametrize('revealed', [False, True])
def test_what_is_not_revealed_stands_in_no_row(revealed):
    header, (first, second) = table(facts(revealed))
    assert header[2] == f'difference on {"test" if revealed else "valid"}' and second[0] == 'b (chosen)'
    assert (first[4] == HIDDEN) == (not revealed) and second[4] == '0.750 ± 0.010'
    assert second[2].startswith('+0.200' if revealed else '+0.100') and second[3] == '0.040' and second[5:] == ('12.0', 'not stated')
    rows = frame(facts(revealed))
    assert len(rows) == len(METRICS)*(3 + revealed) and set(rows[rows.split == 'test'].setting) == ({'a', 'b'} if revealed else {'b'})
    assert (rows.n == 90).all() and (rows.patients == 30).all() and (rows.repetitions == 2).all()
    assert set(rows.metric[rows.difference_value.notna()]) == {'auroc'} and pd.isna(rows.images_per_second).all()


def test_on_the_screen_an_interval_has_a_line_of_its_own():
    header, rows = on_screen(facts(True))
    assert rows[0][2] == '+0.200\n[+0.05, +0.15]' and max(len(line) for h in header for line in h.split('\n')) <= len('difference')


def test_numbers_of_a_row():
    assert [amount(dict(mean=v)) for v in (.4321, 12.12, 1234.4, None)] == ['0.43', '12.1', '1,234', 'not stated']
    assert [p_value(d) for d in (None, {}, dict(holm=.0001), dict(holm=.0123))] == [HIDDEN, 'not defined', '< 0.001', '0.012']
    assert difference(None) == HIDDEN and difference(dict(value=None)) == 'not defined'
    assert between([1234, 1234]) == '1,234' and between([9, 1234, 2]) == '2 to 1,234'
