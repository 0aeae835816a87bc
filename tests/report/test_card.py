import json

import pandas as pd
import pytest

from pneumo_fastai.errors import InputError
from pneumo_fastai.evaluation.settings import Settings
from pneumo_fastai.report import card
from pneumo_fastai.report.written import measure, remeasure
from pneumo_fastai.runs import facts
from pneumo_fastai.runs.folder import read_run

RECIPE = dict(arch='resnet18', size=32, aspect='pad', any_view=False, mean=.4, std=.2)


@pytest.fixture
def exported(new_run):
    "A run, its metrics, and a bundle without weights that are any."
    run = read_run(new_run(data='films | <b>x</b>'))
    metrics = measure(run, Settings(n_boot=5))
    folder = run.folder/facts.FOLDER
    folder.mkdir()
    (folder/facts.WEIGHTS).write_bytes(b'w')
    said = dict(experiment=run.name, data=run.data['name'], synthetic=False, **card.decided(run, metrics))
    found = facts.described(RECIPE | said, card.about(run, metrics))
    (folder/facts.CARD).write_text(card.text(found))
    facts.save(folder, found)
    return run, metrics


def test_the_card_is_markdown_with_metadata_of_the_facts(exported):
    import yaml
    run, metrics = exported
    text = (run.folder/'model/README.md').read_text()
    _, head, body = text.split('---\n', 2)
    found = yaml.safe_load(head)
    result, = found['model-index'][0]['results']
    assert found['pipeline_tag'] == 'image-classification' and found['license'] == 'other'
    assert {m['type']: m['value'] for m in result['metrics']}['auroc'] == metrics['test']['at_threshold']['auroc']['value']
    assert '<b>' not in body and r'films \| \<b\>x\</b\>' in body and 'not for diagnosis' in body and '\n\n\n\n' not in body
    tables = [line for line in body.splitlines() if line.startswith('|')]
    assert len(tables) > 10 and {line.replace(r'\|', '').count('|') for line in tables} <= {7, 4}


def test_the_card_says_how_grey_levels_are_read(exported):
    found = facts.read(exported[0].folder/'model')
    assert 'pixels a side, then' in card.text(found)
    found['reading']['grey_levels'] = 'clahe'
    assert 'pixels a side, its histogram without the padding equalised by tiles (CLAHE), then' in card.text(found)


def test_the_cohort_is_told_without_a_value_that_few_have():
    rows = pd.DataFrame(dict(patient=['a', 'a', 'b', 'c'], label=[1, 1, 0, 0], view=['PA', 'PA', 'PA', 'AP'], sex=[None, None, None, 'O'],
                             age=[20., 30., 40., float('nan')]))
    found = card.summary(rows)
    assert found == dict(images=4, patients=3, pneumonia=2, prevalence=.5, view=dict(PA=3), sex={'not stated': 3},
                         age_quartiles=[25, 30, 35])
    assert card.summary(rows[:2])['age_quartiles'] is None and json.dumps(card.summary(rows[:0]))


def test_what_evaluate_chose_anew_is_in_the_bundle_too(exported):
    run, _ = exported
    before = facts.read(run.folder/'model')
    _, now = remeasure(run.folder, Settings(n_boot=5, rule='sensitivity', sensitivity=.99), force=True)
    found = facts.read(run.folder/'model')
    assert found['decision']['threshold'] == now['threshold']['value'] != before['decision']['threshold']
    assert found['metrics']['test']['recall'] == now['test']['at_threshold']['recall'] and found['network'] == before['network']
    assert f'{now["threshold"]["value"]:.4f}' in (run.folder/'model/README.md').read_text()


def test_a_damaged_model_is_told_before_anything_is_measured_anew(exported):
    run, _ = exported
    metrics = (run.folder/'metrics.json').read_bytes()
    (run.folder/'model/weights.safetensors').write_bytes(b'W')
    with pytest.raises(InputError, match=r'weights\.safetensors is damaged'):
        remeasure(run.folder, Settings(n_boot=5, rule='sensitivity', sensitivity=.99), force=True)
    assert (run.folder/'metrics.json').read_bytes() == metrics and not (run.folder/'report.html').exists()


def test_the_card_says_that_the_test_was_of_one_kind(exported):
    found = facts.read(exported[0].folder/'model')
    assert 'held' not in card.text(found)
    found['training']['recipe']['held_out'] = 'dark'
    said = ' '.join(card.text(found).split())
    assert 'name: "AUROC on test, held out: dark"' in said and 'Test is no random draw but patients of one kind (held_out dark)' in said
    assert 'the training data. Heatmaps' in said and 'what a random test, or another hospital, would give is not measured here.' in said
