import json
import re
import shutil
from html import unescape

import pytest

from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.report import written
from pneumo_fastai.report.registry import sections_of
from pneumo_fastai.report.sections.adapted import aim, asked, in_words, on_screen
from pneumo_fastai.report.verdicts import adapted as verdict
from pneumo_fastai.runs.folder import read_run


@pytest.fixture(scope='module')
def told(adapted):
    "(text of the page, metrics)."
    return (adapted[1]/'report.html').read_text(), json.loads((adapted[1]/'metrics.json').read_text())


def plain(text): return ' '.join(unescape(re.sub('<[^>]+>', ' ', text)).split())


def test_the_page_has_a_section_that_tells_it(told):
    text, metrics = told
    assert re.findall(r'<section id="(\w+)"', text) == [s.id for s in sections_of('adapted')] and '{{' not in text
    for line in in_words(metrics): assert line in plain(text)
    assert 'What so many labelled patients change' in text
    for n in (20, 25): assert asked(metrics)['n'] == 20 and re.search(rf'<th[^>]*>{n}</th>', text), n
    assert 'valid are the 20 patients of drawn' in plain(text) and 'epoch and threshold were chosen there' not in text


def test_numbers_of_the_sentences_are_those_of_the_metrics(told):
    _, metrics = told
    lines, row = in_words(metrics), asked(metrics)
    assert f'from {row["before"]["log_loss"]["mean"]:.3f} to {row["after"]["log_loss"]["mean"]:.3f}' in lines[0]
    assert f'recalibration {row["change"]["after"]["log_loss"]["says"]}' in lines[0] and 'a sensitivity of 0.95' in lines[1]
    assert f'threshold {metrics["threshold"]["value"]:.4f} in place of {metrics["adaptation"]["own"]["threshold"]:.4f}' in ' '.join(lines)
    assert lines[-1].startswith('Without labels it has to be supposed that the two places differ in the prevalence alone')
    header, rows = on_screen(metrics)
    assert [r[0] for r in rows] == ['20', '25'] and len(header) == len(rows[0]) == 5


@pytest.mark.parametrize('says, level', [('helps', 'good'), ('does not help', 'amber'), ('harms', 'red')])
def test_where_it_does_not_help_the_first_screen_says_so(told, says, level):
    metrics = json.loads(json.dumps(told[1]))
    asked(metrics)['change']['after']['log_loss']['says'] = says
    found = verdict(metrics)
    assert (found['level'], found['word'], found['at']) == (level, f'recalibration {says}', 'adapted')
    assert f'20 labelled patients recalibration {says}: ' in found['text']


def test_the_aim_of_each_rule_has_words(told):
    for rule, words in (('youden', 'Youden\u2019s index'), ('specificity', 'a specificity of 0.9'), ('cost', 'the least expected cost')):
        assert aim(dict(choices=dict(told[1]['choices'], rule=rule))) == words


def test_measured_anew_from_its_files_it_says_the_same(adapted, tmp_path, undrawn):
    folder = shutil.copytree(adapted[1], tmp_path/'run')
    run, metrics = written.remeasure(folder, Settings(**json.loads((folder/'metrics.json').read_text())['choices']))
    assert metrics == json.loads((adapted[1]/'metrics.json').read_text()) and run.kind == read_run(folder).kind == 'adapted'
