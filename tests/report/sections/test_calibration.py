import math

import pytest

from pneumo_fastai.report.labels import number
from pneumo_fastai.report.sections.calibration import MEASURES, calibration, calibrator, measures


def test_the_method_that_is_kept_is_the_one_with_the_least_loss_and_all_are_shown(plain):
    _, _, _, metrics = plain
    found = metrics['calibration']
    tried = calibration(None, None, metrics)['tried']
    kept, = [float(loss) for _, loss, mark in tried if mark]
    assert kept == min(float(loss) for _, loss, _ in tried) and len(tried) == len(found['log_loss']) > 2


def test_the_page_has_every_measure_before_and_after(plain):
    _, _, read, metrics = plain
    before, after = metrics['calibration']['before'], metrics['calibration']['after']
    shown = {row[0][0]: [''.join(c) for c in row[1:]] for row in read.rows['calibration'] if len(row) == 3}
    for k in ('ece', 'mce', 'reliability', 'within_bins'): assert shown[MEASURES[k]] == [f'{block[k]:z.3f}' for block in (before, after)]
    for k in ('brier', 'log_loss'): assert shown[MEASURES[k]] == [number(block[k]) for block in (before, after)]
    chance = [block['ece_of_a_perfect_model'] for block in (before, after)]
    assert shown['perfect probabilities would show'] == [f'{c["mean"]:.3f}, up to {c["high"]:.3f}' for c in chance]
    assert all(value[0] in '+-' for value in shown[MEASURES['in_the_large']])  # too high or too low
    assert not any(value[0] in '+-' for value in shown[MEASURES['slope']])


def test_a_measure_that_is_not_defined_says_so_in_its_row(plain):
    block = plain[3]['calibration']['before'] | dict(ece=None, slope=dict(value=None, low=None, high=None, reason='not defined, because x'))
    found = {str(name): rest for name, *rest in measures(dict(before=block, after=block))}
    assert 'not defined' in found[MEASURES['ece']][0] and 'because x' in found[MEASURES['slope']][1]


@pytest.mark.parametrize('chosen, says', [
    (dict(method='temperature', temperature=math.pi), 'temperature 3.142'),
    (dict(method='prior_shift', shift=-.5), 'prior shift, shift -0.500'),
    (dict(method='isotonic', x=[0., 1.], y=[0., 1.]), 'isotonic'), (dict(method='none'), 'none')])
def test_a_calibrator_is_told_by_its_numbers_once(chosen, says): assert calibrator(chosen) == says
