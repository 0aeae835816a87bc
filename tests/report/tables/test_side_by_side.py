import csv

import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.evaluation.comparison import compare
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.report.labels import p_value
from pneumo_fastai.report.tables.side_by_side import distinct, left_out, letter, notes, save, side_by_side, table
from pneumo_fastai.report.written import measure
from pneumo_fastai.runs.folder import read_run

FEW = Settings(n_boot=20)


@pytest.fixture(scope='module')
def side(tmp_path_factory, write_run):
    "(runs, the table of them): two runs on one test set and one, synthetic, on another."
    here = tmp_path_factory.mktemp('runs')
    folders = write_run(here/'first', 0), write_run(here/'second_a&b', 1), write_run(here/'third', 2, n=240, synthetic=True)
    runs = [read_run(folder) for folder in folders]
    return runs, side_by_side(runs, FEW)


def test_the_csv_has_what_each_run_says_alone_and_how_far_it_is_from_the_first(side, tmp_path):
    runs, found = side
    save(found, *(tmp_path/f'c.{ending}' for ending in ('csv', 'tex', 'md')))
    rows = pd.read_csv(tmp_path/'c.csv').set_index(['run', 'at', 'metric'])
    alone = measure(runs[1], FEW)['test']
    for at in ('at_threshold', 'at_0.5'):
        for m in ('auroc', 'accuracy', 'recall'):
            row = rows.loc['second_a&b', at, m]
            assert [row.value, row.low, row.high] == pytest.approx([alone[at][m][k] for k in ('value', 'low', 'high')])
            assert row.difference_value == pytest.approx(row.value - rows.loc['first', at, m].value)
    assert rows.loc['third'].difference_value.isna().all() and rows.loc['third'].reason.str.contains('test sets differ').all()
    assert list(rows[rows.delong_p.notna()].index) == [('second_a&b', at, 'auroc') for at in ('at_threshold', 'at_0.5')]


def test_the_latex_table_parses_back_to_the_numbers_and_markdown_has_the_same_rows(side, tmp_path):
    "What LaTeX would take for a command is escaped."
    _, found = side
    save(found, *(tmp_path/f'c.{ending}' for ending in ('csv', 'tex', 'md')))
    text = (tmp_path/'c.tex').read_text()
    assert r'second\_a\&b' in text and all(o in text for o in (r'\toprule', r'\midrule', r'\bottomrule'))
    rows = {r[0]: r[1:] for r in csv.reader((line[2:].removesuffix(r' \\').replace(' & ', '\t') for line in text.splitlines()
                                             if line.endswith(r' \\')), delimiter='\t')}
    for name, m in (('AUROC', 'auroc'), ('accuracy', 'accuracy')):
        assert [c.split(' [')[0] for c in rows[name]] == [f'{s["test"]["at_threshold"][m]["value"]:.3f}' for s in found]
    assert all(len(cells) == 3 for cells in rows.values())
    said = (tmp_path/'c.md').read_text()
    assert said.splitlines()[1].count('|') == 5 and f'| AUROC | {" | ".join(rows["AUROC"])} |' in said and 'second\\_a&b' in said


def test_without_a_second_run_on_the_same_images_there_are_no_differences(side):
    _, found = side
    header, rows, paired = table([found[0], found[2]])
    assert header == ('', 'A', 'B') and paired == [] and rows[0] == ('data', 'films', 'films (synthetic)')
    said = list(notes([found[0], found[2]]))
    assert any(o.startswith('B: no difference from A, the test sets differ') for o in said) and not any('DeLong' in o for o in said)
    assert any('Synthetic' in o for o in said) and not any('Synthetic' in o for o in notes(found[:2]))


def test_names_that_occur_twice_are_numbered_and_letters_end_at_z():
    assert distinct(['a', 'b', 'a', 'a']) == ['a (1)', 'b', 'a (2)', 'a (3)']
    assert [letter(i) for i in (0, 25, 26)] == ['A', 'Z', 'run 27']


def test_a_p_value_is_never_zero():
    assert [p_value(p) for p in (None, 1e-9, .00099, .001, .04)] == ['not defined', '< 0.001', '< 0.001', '0.001', '0.040']


def test_a_difference_says_how_many_resamples_it_lacks():
    "Of eight patients one is ill: a third of the draws hold no ill image."
    rows = pd.DataFrame(dict(path=[f'{i}' for i in range(16)], patient=[f'{i//2}' for i in range(16)], split=['valid', 'test']*8,
                             label=[1]*2 + [0]*14, probability=np.linspace(.9, .1, 16)))
    found = compare(rows, rows.assign(probability=rows.probability[::-1].to_numpy()), Settings(n_boot=200))
    left = found['difference']['at_threshold']['recall']['left_out']
    assert 40 < left == left_out(found) and left_out(dict(difference=None)) == 0
    side = [dict(o, run='x', reason=None, synthetic=False, delong=None, doubts=[]) for o in (dict(difference=None), found)]
    assert f'B: up to {left} resamples are left out of a difference, which is undefined in them.' in list(notes(side))
