import pandas as pd
import pytest

from pneumo_fastai.adapt import adapt
from pneumo_fastai.cli import run
from pneumo_fastai.inference.bundle import Bundle
from pneumo_fastai.predict import predict


def refused(capsys, argv):
    assert run(adapt, list(map(str, argv))) == 2
    err = capsys.readouterr().err
    assert err.startswith('error: ') and err.count('\n') == 1
    return err


def test_from_the_command_to_a_folder_that_predict_takes(adapted, explainable, tmp_path, undrawn, capsys):
    source, drawn, out = adapted[0], adapted[0].parent/'drawn', tmp_path/'out'
    argv = [source, '--data', drawn, '--patients', 20, '--target', 'specificity=0.8', '--draws', 1, '--n-boot', 5, '--out', out]
    assert run(adapt, list(map(str, argv))) == 0
    shown = ' '.join(capsys.readouterr().out.split())
    for words in ('before \u2192 after', 'With 20 labelled patients recalibration', f'pneumo_fastai.predict {out}'): assert words in shown
    image = pd.read_csv(out/'predictions.csv').path[0]
    assert run(predict, [str(out), image, '--out', str(tmp_path/'p.csv')]) == 0
    rule = Bundle.load(out).recipe['threshold_from']
    assert rule == 'specificity of at least 0.8 on 20 patients of drawn' and rule in ' '.join(capsys.readouterr().out.split())


@pytest.mark.parametrize('more, says', [
    ([], '--data is missing; give the folder'), (['--data', 'x', '--patients', 0], 'patients is 0; give how many'),
    (['--data', 'x', '--draws', 0], 'draws is 0; give a whole number from 1'),
    (['--data', 'x', '--images', 'y'], '--images is in place of --data; give one of them'),
    (['--images', 'x', '--target', 'youden'], '--target is for --data; leave it out'),
    (['--images', 'nowhere'], 'nowhere'), (['--images', '.'], 'too few to take norms from; give 32 or more'),
    (['--data', 'nowhere'], 'nowhere does not exist; give an existing folder'),
    (['--data', 'x', '--target', 'recall=1'], "target got 'recall=1', it takes youden, sensitivity=0.95")])
def test_bad_input_is_told_in_one_line(adapted, explainable, capsys, more, says):
    assert says in refused(capsys, [adapted[0], *more])


def test_labels_of_another_task_one_class_and_too_few_patients(adapted, explainable, tmp_path, make_films, capsys):
    other = make_films(tmp_path/'other', patients=12)
    (other/'PNEUMONIA').rename(other/'COVID')
    assert "all of class 'no pneumonia': add images of class 'pneumonia'" in refused(capsys, [adapted[0], '--data', other])
    (other/'NORMAL').rename(other/'EFFUSION')
    assert 'it holds COVID, EFFUSION: understood are' in refused(capsys, [adapted[0], '--data', other])
    (other/'manifest.csv').write_text('path,label\n' + ''.join(f'{p},effusion\n' for p in other.rglob('*.png')))
    assert "label 'effusion' is none of 0, normal" in refused(capsys, [adapted[0], '--data', other])
    few = refused(capsys, [adapted[0], '--data', adapted[0].parent/'drawn'])
    assert 'drawn has 44 patients' in few and '--patients 22' in few


def test_a_whole_cross_validation_is_refused(tmp_path, write_folds, films, capsys):
    assert 'give its folds, such as' in refused(capsys, [write_folds(tmp_path/'cv'), '--data', films])
