import pytest

from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.report.tables import study
from pneumo_fastai.runs.search import Found, search

FEW = Settings(n_boot=20)
SMALL = dict(size=64, epochs=2)


@pytest.fixture(scope='module')
def runs(tmp_path_factory, write_trained):
    here = tmp_path_factory.mktemp('study')
    for seed in (0, 1): write_trained(here/f'w{seed}', seed=seed, **SMALL)
    write_trained(here/'focal', 'focal', seed=2, hardware=dict(device='cuda:0', code='abc'), **SMALL)
    return here


@pytest.fixture(scope='module')
def told(runs, measured_elsewhere):
    found = search([runs])
    found.elsewhere = search([measured_elsewhere[1]]).elsewhere
    found.unfinished['runs/b_*'] = 'interrupted'
    return study.of(found, FEW)


def lines_of(told): return study.text(told, study.FIGURE).splitlines()


def test_a_row_has_a_cell_for_each_column_and_one_seed_no_spread(told):
    header, (first, second) = study.table(told['tables'][0])
    row = dict(zip(header, first, strict=True)), dict(zip(header, second, strict=True))
    assert [r['seeds'] for r in row] == ['2', '1'] and [r[''] for r in row] == ['weighted', 'focal']
    for name in ('AUROC on valid', 'AUROC on test', 'F1', 'ECE'): assert '\u00b1' in row[0][name] and '\u00b1' not in row[1][name]
    assert row[0]['difference from weighted'] == '\u2013' and row[1]['difference from weighted'][0] in '+-'
    assert not any('heatmaps' in k for k in row[0])  # of none they were scored
    assert row[0]['95% interval'].startswith('[') and row[0]['minutes'] == '1.50' and row[0]['images/s'] == '20.0'


def test_hardware_stands_with_its_rows_and_seeds_of_one_are_said(told):
    said = ' '.join(study.notes(told['tables'][0]))
    assert 'are a comparison only between rows on the same' in said
    assert 'cuda:0, a Xeon, float32, 1 thread: focal.' in said
    assert 'One seed, so no \u00b1, and how far another would move it is not known: focal.' in said
    assert 'Test: n = 60 images of 20 patients, 30.0% with pneumonia; valid: 120 images of 40 patients.' in said
    assert 'The view position alone scores an AUROC of 0.' in said
    assert '2 recipes were looked at on films' in said and 'Who chooses by valid takes weighted' in said
    assert 'made by 2 states of the code (of some it is not known which)' in said and 'synthetic' not in said.lower()


def test_the_page_holds_it_all_as_markdown(told):
    lines = lines_of(told)
    assert lines[0] == 'From 3 finished trainings, 1 evaluation elsewhere, by python -m pneumo\\_fastai.study from their saved files alone.'
    assert r'Not finished, and left out: 1 (runs/b\_\*: interrupted).' in lines
    assert [o[4:] for o in lines if o.startswith('### ')] == ['films, 64 px, 2 epochs', 'Elsewhere', 'How to read the tables']
    for line in lines:
        if line.startswith('|'): assert line.count('|') in (17, 13) and line.endswith('|')
    assert f'![AUROC on test against minutes of training]({study.FIGURE})' in lines


def test_what_has_no_minutes_is_in_no_figure_and_the_page_says_so(told, runs, tmp_path, undrawn):
    t = told['tables'][0]
    slow = dict(t['rows'][1], values=dict(t['rows'][1]['values'], minutes=dict(mean=None)), lacking=dict(minutes=['runs/focal']))
    some = dict(told, tables=[dict(t, rows=[t['rows'][0], slow])])
    assert 'Without minutes, and so not in it: focal, 64 px, 2 epochs, on films.*' in study.text(some, study.FIGURE)
    assert 'focal: no minutes in the files of runs/focal, which an older version made.' in study.notes(some['tables'][0])
    assert [p.name for p in study.save(some, tmp_path/'new'/'page.md')] == ['page.md', study.FIGURE]
    none = dict(told, tables=[dict(t, rows=[slow])])
    assert [p.name for p in study.save(none, tmp_path/'page.md')] == ['page.md'] and study.FIGURE not in (tmp_path/'page.md').read_text()


def test_without_the_reference_there_are_no_differences(told):
    t = dict(told['tables'][0], reference=None)
    header, rows = study.table(t)
    assert not any('difference' in h or h.startswith('p (') for h in header) and all(len(r) == len(header) for r in rows)
    assert 'no differences' in ' '.join(study.notes(t))


def test_two_cohorts_of_one_name_are_said(told):
    t = told['tables'][0]
    both = dict(told, tables=[dict(t, data=f'films ({n} images)') for n in (9, 300, 300)])
    assert 'Several cohorts are called films' in ' '.join(study.head(both)) and 'Several' not in ' '.join(study.head(told))


def test_evaluations_elsewhere_alone_are_a_study_too(told):
    text = study.text(dict(study.of(Found(), FEW), elsewhere=told['elsewhere']))
    assert '### Elsewhere' in text and 'How to read' not in text and text.startswith('From 0 finished trainings, 1 evaluation')


def test_on_a_screen_the_ranking_is_what_is_kept(told):
    header, rows = study.on_screen(told['tables'][0])
    assert [h.replace('\n', ' ') for h in header] == [*study.SHORT[:4], 'difference from weighted', *study.SHORT[4:]]
    assert max(len(line) for row in rows for cell in row[1:] for line in cell.split('\n')) <= 18
