"The synthetic demo set: reproducible, laid out like RSNA's release, its boxes where its opacities are."
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest

from pneumo_fastai.data.demo import phantom
from pneumo_fastai.errors import InputError

REAL = Path(__file__).parents[3].parent/'shared'/'data'/'rsna-16'
N = 12

def contents(folder): return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob('*') if f.is_file()}

@pytest.fixture(scope='module')
def demo(tmp_path_factory):
    ticks = []
    folder = tmp_path_factory.mktemp('phantom')/'demo'
    phantom.write_demo(folder, n_images=N, seed=3, jobs=1, tick=lambda: ticks.append(1))
    assert len(ticks) == N
    return folder

@pytest.fixture(scope='module')
def headers(demo): return {f.stem: pydicom.dcmread(f) for f in sorted((demo/'stage_2_train_images').iterdir())}

@pytest.fixture(scope='module')
def labels(demo): return pd.read_csv(demo/'stage_2_train_labels.csv')

def film(label, seed=0, view='PA'):
    return phantom.radiograph(np.random.default_rng(seed), phantom.draw_patient(np.random.default_rng(seed)), view, label)

def test_processes_do_not_change_a_byte(demo, tmp_path):
    phantom.write_demo(tmp_path/'again', n_images=N, seed=3, jobs=2)
    assert contents(tmp_path/'again') == contents(demo)

def test_a_smaller_set_is_the_beginning_of_a_larger_one(demo, tmp_path):
    phantom.write_demo(tmp_path/'few', n_images=5, seed=3, jobs=1)
    few, all_of_them = (contents(folder/'stage_2_train_images') for folder in (tmp_path/'few', demo))
    assert len(few) == 5 and few.items() <= all_of_them.items()

def test_another_seed_draws_other_films(demo, tmp_path):
    phantom.write_demo(tmp_path/'other', n_images=2, seed=4, jobs=1)
    assert not set(contents(tmp_path/'other'/'stage_2_train_images').values()) & set(contents(demo).values())

def test_tables_agree(demo, headers, labels):
    classes = pd.read_csv(demo/'stage_2_detailed_class_info.csv')
    mapping = json.loads((demo/'pneumonia-challenge-dataset-mappings_2018.json').read_text())
    assert set(labels.patientId) == set(classes.patientId) == {row['subset_img_id'] for row in mapping} == set(headers)
    assert len({row['img_id'] for row in mapping}) == len(mapping) == N
    assert (classes.patientId == labels.patientId).all() and ((classes['class'] == 'Lung Opacity') == (labels.Target == 1)).all()
    assert classes.drop_duplicates()['class'].value_counts().to_dict() == dict.fromkeys(phantom.CLASSES, N//3)
    assert labels.patientId.is_monotonic_increasing and (demo/'SYNTHETIC').read_text().count('\n') == 1

def test_boxes_lie_inside_and_only_positives_have_them(labels):
    boxes = labels[labels.Target == 1]
    assert labels[labels.Target == 0][['x', 'y', 'width', 'height']].isna().all(axis=None)
    assert boxes.groupby('patientId').size().between(1, 3).all() and labels[labels.Target == 0].patientId.is_unique
    assert (boxes[['x', 'y']] >= 0).all(axis=None) and (boxes[['width', 'height']] > 20).all(axis=None)
    assert (boxes.x + boxes.width <= 1024).all() and (boxes.y + boxes.height <= 1024).all()

def test_people_keep_their_sex_age_and_number(demo, headers):
    people = {}
    for row in json.loads((demo/'pneumonia-challenge-dataset-mappings_2018.json').read_text()):
        ds = headers[row['subset_img_id']]
        people.setdefault(row['img_id'].split('_')[0], set()).add((ds.PatientSex, ds.PatientAge))
    assert 1 < len(people) < N and all(len(seen) == 1 for seen in people.values())

def test_header(headers):
    for name, ds in headers.items():
        assert ds.file_meta.TransferSyntaxUID == pydicom.uid.JPEGBaseline8Bit and ds.PatientID == name
        assert ds.PatientAge.isdigit() and ds.SeriesDescription == f'view: {ds.ViewPosition}' and ds.ViewPosition in ('PA', 'AP')

def test_header_has_the_attributes_of_the_release(headers):
    if not REAL.exists(): pytest.skip('no RSNA images beside the project')
    ours, real = next(iter(headers.values())), pydicom.dcmread(next((REAL/'stage_2_train_images').iterdir()))
    same = 'Modality PhotometricInterpretation Rows Columns BitsAllocated BitsStored HighBit SOPClassUID BodyPartExamined'
    assert ours.dir() == real.dir() and all(ours[name].value == real[name].value for name in same.split())

def test_jpeg_keeps_the_film(headers):
    ds = next(iter(headers.values()))
    assert ds.pixel_array.shape == (1024, 1024) and ds.pixel_array.dtype == np.uint8 and ds.pixel_array.std() > 20


@pytest.mark.parametrize('label', [0, 1])
def test_other_classes_have_no_boxes(label): assert film(label)[1] == []

def test_view_alone_is_a_weak_classifier():
    normal, other, opacity = phantom.AP_SHARE
    assert .65 < .5 + (opacity - (normal + other)/2)/2 < .7  # the AUROC of one binary feature

def test_nothing_is_left_of_an_interrupted_set(tmp_path):
    def stop(): raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt): phantom.write_demo(tmp_path/'demo', n_images=3, jobs=1, tick=stop)
    assert not list(tmp_path.iterdir())

def test_bad_input(demo, tmp_path):
    with pytest.raises(InputError, match='exists already'): phantom.write_demo(demo)
    with pytest.raises(InputError, match='n_images is 0'): phantom.write_demo(tmp_path/'demo', n_images=0)

def test_import_is_light():
    code = 'import sys, pneumo_fastai.data.demo.phantom; print({"torch", "pydicom", "joblib", "pandas", "scipy"} & set(sys.modules))'
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout.strip() == 'set()'
