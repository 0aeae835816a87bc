from pathlib import Path

import pandas as pd
import pytest

from pneumo_fastai.cli import run
from pneumo_fastai.evaluate import evaluate
from pneumo_fastai.evaluation.metrics import METRICS
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.report.tables.repetitions import compared
from pneumo_fastai.report.tables.settings import HIDDEN, amount, between, corrected, difference, frame, notes, on_screen, table, words
from pneumo_fastai.runs.folder import read_run


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
    assert [corrected(d) for d in (None, {}, dict(holm=.0001), dict(holm=.0123))] == [HIDDEN, 'not defined', '< 0.001', '0.012']
    assert difference(None) == HIDDEN and difference(dict(value=None)) == 'not defined'
    assert between([1234, 1234]) == '1,234' and between([9, 1234, 2]) == '2 to 1,234'


def told(rows):
    "What the table, its notes and its words say of settings, as one text."
    settings = [dict(setting=k, planned=len(v), failed={}, runs=dict(enumerate(v))) for k, v in rows.items()]
    found = dict(compared(settings, Settings(n_boot=5), reveal=False, choose=True), title='Sweep of e on x', members=9, waiting=[])
    return found, ' '.join([*words(found), *notes(found)])


def of_one_class(run, split):
    p = run.predictions
    run.predictions = p[(p['split'] != split) | (p['label'] == 1)]
    return run


def test_what_is_not_defined_on_test_has_no_interval_either(new_run):
    found, said = told({'a': [of_one_class(read_run(new_run()), 'test')]})
    assert found['chosen'] == [0] and 'On test its AUROC is not defined.' in said and ': defined' not in said


def test_where_no_row_can_be_chosen_that_is_said_in_place_of_its_test(new_run):
    found, said = told({k: [of_one_class(read_run(new_run(k, seed=i)), 'valid')] for i, k in enumerate('ab')})
    assert found['chosen'] == [] and 'No row is chosen' in said and 'chosen row alone' not in said


def test_one_setting_and_one_training_are_spoken_of_in_the_singular(new_run):
    a = read_run(new_run())
    one, several = told({'a': [a, a]})[1], told({'a': [a], 'b': [a]})[1]
    assert '1 settings' not in one and 'more rows' not in one and 'chosen row alone' not in one and 'over 2 of 2 trainings' in one
    assert '1 trainings' not in several and 'one training a row' in several and 'over 1 of 1 training.' in several


def test_what_no_training_says_is_no_column_and_a_name_is_never_cut_short(tmp_path, write_run, capsys):
    folders = [str(write_run(tmp_path/k, seed, name='a_name_of_forty_letters_without_one_space')) for seed, k in enumerate('ab')]
    for folder, seed in zip(folders, (0, 1), strict=True): Path(folder, 'experiment.toml').write_text(f'seed = {seed}')
    assert run(evaluate, [*folders, '--n-boot', '5', '--out', str(tmp_path/'x')]) == 0
    out, md = capsys.readouterr().out, (tmp_path/'x.md').read_text()
    assert 'not stated' not in out and 'minutes' not in md and 'Minutes' not in md and '\u2026' not in out
