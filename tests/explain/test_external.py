import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pneumo_fastai.data.signatures import FILE
from pneumo_fastai.errors import InputError
from pneumo_fastai.explain.external import evaluate_on, limited, others
from pneumo_fastai.report.sections.heatmaps import scored
from pneumo_fastai.runs.checksums import altered, write_sums
from pneumo_fastai.runs.folder import read_run

FEW = dict(n_boot=5)


@pytest.fixture
def run(measured_elsewhere, explainable, undrawn):
    "The run's folder; `explainable` sees to it that its small network is built."
    return measured_elsewhere[0]


def copied(run, splits, to, change=shutil.copyfile, name=lambda path, i: path.name):
    "The images of these splits in class folders of their own."
    table = pd.read_csv(run/'split.csv')
    for i, path in enumerate(map(Path, table.path[table.split.isin(splits)])):
        (to/path.parent.name).mkdir(parents=True, exist_ok=True)
        change(path, to/path.parent.name/name(path, i))
    return to


def strangers(make_films, folder):
    "Images of 12 patients whom the run does not know."
    new = make_films(folder, patients=12, seed=9)
    for path in new.rglob('*.png'): path.rename(path.with_name(f'new{path.name.replace("_", "").replace("IM", "")}'))
    return new


def as_jpeg(path, to):
    with Image.open(path) as image: image.save(to, quality=95)


def flat(found, at=''):
    if isinstance(found, dict): return {k: v for name, part in found.items() for k, v in flat(part, f'{at}/{name}').items()}
    if isinstance(found, list): return {k: v for i, part in enumerate(found) for k, v in flat(part, f'{at}/{i}').items()}
    return {at: found}


@pytest.mark.slow
def test_the_runs_own_test_files_as_a_folder_give_its_own_metrics(run, tmp_path):
    found, metrics = evaluate_on(run, copied(run, ['test'], tmp_path/'same'), tmp_path/'out', 'evaluate', **FEW)
    own = json.loads((run/'metrics.json').read_text())
    for part in ('threshold', 'valid', 'test', 'balanced', 'operating_points', 'calibration', 'baseline', 'choices'):
        a, b = flat(metrics[part]), flat(own[part])
        assert a.keys() == b.keys()
        for k, v in b.items(): assert a[k] == (pytest.approx(v, abs=1e-6, rel=1e-6) if isinstance(v, float) else v), (part, k)
    assert any('run\'s own test images' in note for note in found.data['notes']) and not len(pd.read_csv(tmp_path/'out'/'left_out.csv'))


def test_in_bfloat16_the_probabilities_are_nearly_those_of_float32_and_the_folder_says_so(run, tmp_path, make_films):
    films = strangers(make_films, tmp_path/'films')
    with pytest.raises(InputError, match="precision is 'float16', predictions take float32 or bfloat16"):
        evaluate_on(run, films, tmp_path/'out', 'evaluate', precision='float16', **FEW)
    p = {}
    for precision in ('float32', 'bfloat16'):
        found, _ = evaluate_on(run, films, tmp_path/precision, 'evaluate', precision=precision, **FEW)
        p[precision] = found.predictions.probability
        assert found.environment['precision'] == precision and precision in (found.folder/'report.html').read_text()
    assert 0 < (p['bfloat16'] - p['float32']).abs().max() < .05


def test_a_network_without_batch_norms_cannot_take_them_from_there_and_no_folder_is_made(run, measured_elsewhere, tmp_path):
    with pytest.raises(InputError, match='resnet18 has no batch normalisation that images could set; leave out --norms'):
        evaluate_on(run, measured_elsewhere[1].parent/'drawn', tmp_path/'out', 'evaluate', norms=20, **FEW)
    assert not (tmp_path/'out').exists()


def test_training_images_are_known_under_other_names_and_encodings_and_nothing_is_left(run, tmp_path):
    folder = copied(run, ['train', 'valid'], tmp_path/'renamed', as_jpeg, lambda path, i: f'x{i}.jpg')
    with pytest.raises(InputError, match='nothing is left of renamed'): evaluate_on(run, folder, tmp_path/'out', 'evaluate', **FEW)
    assert not (tmp_path/'out').exists()


def test_beside_new_images_they_are_left_out_counted_and_listed(run, tmp_path, make_films):
    new = strangers(make_films, tmp_path/'films')
    copied(run, ['train'], new, as_jpeg, lambda path, i: f'x{i}.jpg')
    found, metrics = evaluate_on(run, new, None, 'evaluate', **FEW)
    left = pd.read_csv(found.folder/'left_out.csv')
    assert metrics['test']['n'] == 24 and len(left) == (pd.read_csv(run/'split.csv').split == 'train').sum()
    assert left.path.str.contains('/x').all() and set(left.like) <= set(pd.read_csv(run/'split.csv').path)
    assert found.folder.parent == run.parent and found.folder.name.startswith('run-on-films-') and len(found.rejected) == len(left)
    assert f'{len(left)} of {len(left) + 24} images left out: the picture of an image of train or valid' in found.data['notes']
    shutil.rmtree(found.folder)


def test_the_folder_reads_as_a_run_whose_images_are_all_in_test(measured_elsewhere):
    run, folder = measured_elsewhere
    found = read_run(folder)
    assert found.splits == ('test',) and set(found.cohort.split) == {'test'} == set(found.predictions.split) and len(found.cohort) == 60
    assert found.title == 'weighted on films, measured on drawn' and found.synthetic and not altered(folder)
    assert len(found.trained_on) == (read_run(run).cohort.split == 'train').sum()


def test_heatmaps_are_scored_against_the_boxes_there(measured_elsewhere):
    found = scored(measured_elsewhere[1])
    where = found['localization']
    ill = read_run(measured_elsewhere[1]).cohort.boxes.map(bool).sum()
    assert where['n'] == ill > 5 and set(where['difference']) == {'a random point', 'mean box of the others', 'untrained network'}
    assert (measured_elsewhere[1]/'gradcam.png').is_file()


def test_the_mean_box_is_that_of_the_other_half_of_the_patients():
    masks = np.zeros((4, 2, 2), bool)
    masks[:2, 0, 0] = masks[2:, 1, 1] = True
    heats = list(others(masks, ['a', 'a', 'b', 'b']))
    np.testing.assert_array_equal(heats, np.stack([masks[2], masks[2], masks[0], masks[0]]))
    np.testing.assert_array_equal(next(others(masks, ['a']*4)), np.ones((2, 2)))


def test_of_very_many_boxed_images_some_are_looked_at(monkeypatch):
    monkeypatch.setattr('pneumo_fastai.evaluation.apart.MOST', 3)
    table = pd.DataFrame(dict(patient=list('abcdef'), boxes=[[[1, 1, 2, 2]]]*5 + [[]]))
    assert len(kept := limited(table)) == 4 and 5 in kept.index


@pytest.mark.parametrize('spoil, says', [
    (lambda run, out: (run, out.mkdir() or (out/'a').write_text('')), 'exists; give --out a new folder'),
    (lambda run, out: (shutil.copytree(run, out.with_name('old')), None), 'measures it anew')])
def test_what_cannot_be_measured_is_refused_in_one_line(run, tmp_path, films, spoil, says):
    of, _ = spoil(run, tmp_path/'out')
    if of != run:
        found = json.loads((of/'metrics.json').read_text())
        for row in found['uncertainty']['referral']: del row['cut']
        (of/'metrics.json').write_text(json.dumps(found))
    with pytest.raises(InputError, match=says): evaluate_on(of, films, tmp_path/'out', 'evaluate', **FEW)


def test_an_evaluation_elsewhere_is_no_model(measured_elsewhere, films, tmp_path):
    with pytest.raises(InputError, match='is itself an evaluation elsewhere'):
        evaluate_on(measured_elsewhere[1], films, tmp_path/'out', 'evaluate', **FEW)


def test_signatures_that_were_changed_are_not_believed(measured_elsewhere, films, tmp_path):
    of = shutil.copytree(measured_elsewhere[0], tmp_path/'run')
    write_sums(of)
    (of/FILE).write_bytes((of/FILE).read_bytes()[:-1] + b'x')
    with pytest.raises(InputError, match='was another when the run ended; put it back, or delete it'):
        evaluate_on(of, films, tmp_path/'out', 'evaluate', **FEW)
