import json
from pathlib import PurePath

import pandas as pd
import pytest

from pneumo_fastai.report.labels import number
from pneumo_fastai.report.sections.subgroups import measured_shortcuts, row, subgroups


def test_an_audit_is_taken_in(new_run, page_of):
    run = new_run()
    about = dict(left_out=0, n=3)
    (run/'audit.json').write_text(json.dumps(dict(shortcut={'view position': dict(value=.8, low=.7, high=.9, reason=None, **about),
                                                            'burnt-in text': dict(value=None, low=None, high=None, reason='x', **about)})))
    _, read, _ = page_of(run)
    assert [['view position'], ['0.800 [0.70, 0.90]']] in read.rows['shortcut']
    assert [['burnt-in text'], ['not defined, because x']] in read.rows['shortcut']


@pytest.mark.parametrize('audit', [{}, dict(shortcut=None), dict(shortcut=[1]), dict(shortcut=dict(view=3)), dict(shortcut=dict(view={}))])
def test_an_audit_of_another_shape_measured_nothing(tmp_path, audit):
    assert measured_shortcuts(tmp_path) == {}
    (tmp_path/'audit.json').write_text(json.dumps(audit))
    assert measured_shortcuts(tmp_path) == {}


def group(name, auroc, small=False):
    value = dict(value=auroc, low=None, high=None, reason='not defined, because x')
    return dict(group=name, n=40, positives=20, small=small, auroc=value, recall=value, specificity=value)


def test_the_finding_names_the_ends_of_the_groups_that_are_not_small():
    some = [group('a', .7), group('b', .9), group('c', .2, small=True), group('d', None)]
    found = subgroups(None, None, dict(subgroups=dict(by=dict(view=dict(about='', groups=some)), left_out=['age'])))
    assert [(name, g['group']) for name, g in found['ends']] == [('view', 'a'), ('view', 'b')] and found['unsaid'] == ['age in years']
    assert subgroups(None, None, dict(subgroups=dict(by=dict(view=dict(about='', groups=some[2:])))))['ends'] == []
    assert 'small group' in row(some[2])[0] and row(some[0])[0] == 'a' and 'because x' in row(some[3])[3]


def test_the_model_stands_beside_the_view_alone_and_within_each_view(plain):
    _, _, read, metrics = plain
    rows = {''.join(row[0]): ''.join(row[1]) for row in read.rows['shortcut']}
    by = metrics['subgroups']['by']['view']
    assert rows['the view position alone, without the image'] == number(metrics['baseline']['view']['auroc'])
    assert rows['the model, only pairs of images of one view'] == number(by['within'])
    within = {name: shown for name, shown in rows.items() if 'within' in name}
    assert within == {f'the model, within {g["group"]} only (n = {g["n"]}{", small group" * g["small"]})': number(g['auroc'])
                      for g in by['groups']} and len(within) == 2


def test_the_worst_error_is_the_most_certain_wrong_one(plain):
    folder, _, read, _ = plain
    test = pd.read_csv(folder/'predictions.csv').query('split == "test"')
    wrong = (test.probability - test.label).abs().sort_values(ascending=False)
    shown = [[''.join(c) for c in row] for row in read.rows['errors'][1:]]
    assert [row[0] for row in shown] == [PurePath(test.path[k]).name for k in wrong.index[:len(shown)]]
    assert [row[2] for row in shown] == [f'{test.probability[k]:.3f}' for k in wrong.index[:len(shown)]]
