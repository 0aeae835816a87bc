import html
import json
import re

import pytest

from pneumo_fastai.evaluation.metrics import EVERY
from pneumo_fastai.report.labels import number
from pneumo_fastai.report.sections.results import lines, results
from pneumo_fastai.report.words import in_words, rows
from pneumo_fastai.runs.folder import read_run


def test_the_table_of_results_is_metrics_json(plain):
    run, _, read, _ = plain
    metrics = json.loads((run/'metrics.json').read_text())
    rows = read.rows['results'][1:]
    blocks = [metrics['valid'], metrics['test']['at_threshold'], metrics['test']['at_0.5'], metrics['balanced']['at_threshold']]
    assert [[''.join(c) for c in row[1:]] for row in rows] == [[number(b[m]) for b in blocks] for m in EVERY]


def test_a_threshold_that_was_found_on_the_images_themselves_is_said_to_be(plain):
    _, _, reader, _ = plain
    says = [row[0][0] for row in reader.rows['results'] if len(row[0]) > 1 and 'found on the images of the column' in row[0][1]]
    assert says == [f'{a} at {n}% {b}' for a, b in (('sensitivity', 'specificity'), ('specificity', 'sensitivity')) for n in (90, 95)]


def test_the_page_has_the_table_as_plain_text(plain):
    _, text, _, metrics = plain
    pre = re.search(r'The same as plain text</summary><pre>(.*?)</pre>', text, re.S)[1]
    for row in rows(metrics): assert re.search(r'\s+'.join(map(re.escape, row)), pre)
    assert all(html.escape(line).replace('&quot;', '&#34;').replace('&#x27;', '&#39;') in pre for line in in_words(metrics))


def test_an_operating_point_has_a_row_of_valid_and_one_of_test_or_a_reason(plain):
    _, _, read, metrics = plain
    points = metrics['operating_points']
    shown = [[''.join(c) for c in row] for row in read.rows['operating'][1:]]
    assert [row[1] for row in shown] == [o for point in points for o in (f'{point["threshold"]:.4f}', '')]
    for point, valid, test in zip(points, shown[::2], shown[1::2], strict=True):
        for split, row in (('valid', valid), ('test', test)):
            assert row[2:] == [split, *(number(point[split][k]) for k in ('recall', 'specificity', 'precision', 'npv'))]
    row, = lines(dict(rule='cost', words='a miss costs 5', reason='not defined, because x'))
    assert len(row) == len(shown[0]) and 'not defined, because x' in row[1] and set(row[2:]) == {'&ndash;'}


@pytest.mark.parametrize('balanced', [True, False])
def test_the_column_at_even_prevalence_is_there_only_where_it_is_defined(plain, balanced):
    folder, _, _, metrics = plain
    metrics = metrics if balanced else dict(metrics, balanced=dict(reason='not defined, because x'))
    found = results(None, read_run(folder), metrics)
    assert len(found['header']) == 4 + balanced and {len(row) for row in found['rows']} == {4 + balanced}
