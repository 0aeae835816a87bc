import shlex
from types import SimpleNamespace

import pandas as pd
import pytest

from pneumo_fastai.report import terminal
from pneumo_fastai.report.labels import number
from pneumo_fastai.report.words import in_words


@pytest.fixture
def screen(capsys):
    "What was printed since the last look, on one line."
    return lambda: ' '.join(capsys.readouterr().out.replace('│', ' ').split())


def test_what_to_type_next_holds_for_a_folder_with_spaces(capsys):
    terminal.pointers('/runs/my run/weighted')
    typed = next(line for line in capsys.readouterr().out.splitlines() if 'use' in line).split('use', 1)[1]
    assert shlex.split(typed)[-2:] == ['/runs/my run/weighted', 'a-file-or-folder']


@pytest.mark.parametrize('synthetic', [True, False])
def test_a_cohort_is_shown_with_its_notes_and_how_many_files_were_left_out(screen, synthetic):
    cohort = SimpleNamespace(name='films [b]', layout='RSNA', synthetic=synthetic, notes=['[/] a note'], rejected=[1]*1234)
    row = dict(images=1234, patients=1000, pneumonia=308, prevalence=308/1234)
    terminal.show_cohort(cohort, pd.DataFrame([row], index=['all']))
    shown = screen()
    assert ('synthetic' in shown) == synthetic and 'films [b] (RSNA' in shown and 'all 1,234 1,000 308 25.0%' in shown
    assert 'note: [/] a note' in shown and 'rejected: 1234 files, listed in rejected.csv' in shown
    terminal.show_cohort(SimpleNamespace(name='a', layout='b', synthetic=False, notes=[], rejected=[]), pd.DataFrame([row], index=['all']))
    assert 'rejected' not in screen()


def test_a_run_ends_with_its_numbers_what_they_mean_and_its_warnings(screen, plain):
    metrics = dict(plain[3], warnings=['[b]beware[/b]'])
    terminal.show_run('weighted on films', metrics, ['And [more].'])
    shown = screen()
    said = [*in_words(metrics), 'And [more].', 'note: [b]beware[/b]']
    places = [shown.index(' '.join(line.split())) for line in said]
    assert places == sorted(places) and number(metrics['test']['at_threshold']['auroc']) in shown[:places[0]]


def test_more_than_three_runs_have_their_intervals_on_a_line_of_their_own(capsys, monkeypatch):
    monkeypatch.setattr('pneumo_fastai.report.tables.side_by_side.notes', lambda side: ['A [note].'])
    monkeypatch.setattr('pneumo_fastai.report.tables.side_by_side.table', lambda side: (
        ['', *'ABCD'[:len(side)]], [('AUROC', *['0.8 [0.7, 0.9]']*len(side))], []))
    for n, together in ((3, True), (4, False)):
        terminal.show_comparison([None]*n)
        out = capsys.readouterr().out
        assert ('0.8 [0.7, 0.9]' in out) == together and out.count('[0.7, 0.9]') == n and 'A [note].' in out


def test_maps_without_boxes_are_told_by_their_reason(screen):
    sanity = dict(cascade=[dict(rank_correlation=None)], limit=.8, survives=False)
    terminal.show_maps(dict(sanity=sanity, localization=dict(reason='not defined, because [x]')))
    assert screen().startswith('localisation: not defined, because [x] With all weights random a map of every pair is flat')
    value = dict(value=.5, low=.4, high=.6)
    terminal.show_maps(dict(sanity=sanity, localization=dict(maps={'model': dict(pointing=value, average_precision=value)})))
    assert screen().startswith('model: pointing 0.500 [0.40, 0.60], AUPRC 0.500 [0.40, 0.60] With')


RECIPE = dict(threshold=.3, calibrator=dict(method='none'))


def predicted(n, **columns):
    return pd.DataFrame(dict(path=[f'/films/{k}.png' for k in range(n)], calibrated=.25, prediction='no pneumonia', reason=None) | columns)


def test_of_many_predictions_the_first_are_shown_and_the_rest_counted(screen):
    terminal.show_predictions(predicted(12)[:10], 12, 0, 0, RECIPE)
    shown = screen()
    assert '9.png 0.250 no pneumonia' in shown and '10.png' not in shown and 'and 2 more, in the file' in shown
    assert 'pneumonia at or above 0.300 (as given); calibration: none' in shown and 'disagreement' not in shown and 'a model on' in shown
    terminal.show_predictions(predicted(12), 12, 0, 0, RECIPE)
    assert 'more, in the file' not in screen()


def test_a_file_that_was_rejected_has_its_reason_in_place_of_a_number(screen):
    rows = predicted(2, reason=[None, 'no [image]'], calibrated=[.25, None], prediction=['pneumonia', None],
                     disagreement=[.01, None])
    recipe = dict(RECIPE, members=3, synthetic=True, calibrator=dict(method='temperature', temperature=1e9))
    terminal.show_predictions(rows, 2, 1, 1, recipe)
    shown = screen()
    assert '0.png 0.250 0.010 pneumonia' in shown and '1.png - - rejected: no [image]' in shown
    assert 'rejected: 1 of 2 files' in shown and 'warning: 1 of 2 images' in shown and 'trained on synthetic data' in shown
    assert 'pneumonia at or above 0.500' in shown  # the threshold on the scale of the numbers shown
    assert 'the 3 networks differ' in shown and 'nine in ten' not in shown
    terminal.show_predictions(rows, 2, 0, 0, recipe | dict(disagreement_90=.02))
    assert 'nine in ten images of valid are at or below 0.020' in screen()


def test_the_name_of_a_file_moves_no_cursor(screen):
    terminal.show_predictions(predicted(1, path=['/films/\x1b[2Jfilm.png']), 1, 0, 0, RECIPE)
    shown = screen()
    assert '?[2Jfilm.png 0.250' in shown and '\x1b[2J' not in shown


def test_a_model_with_limits_shows_the_set_of_each_image(screen):
    rows = predicted(2, reason=[None, 'no image'], set=['cannot tell', None])
    terminal.show_predictions(rows, 2, 1, 0, RECIPE | dict(conformal=dict(error_rate=.1)))
    shown = screen()
    assert '0.png 0.250 no pneumonia cannot tell' in shown and '1.png - rejected: no image -' in shown and 'about 90% of each' in shown
