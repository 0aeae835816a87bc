"Class folders: shipped splits, what lies beside, and patients by the names of Kermany et al."

import numpy as np
import pytest

from pneumo_fastai.data.cohort import read_cohort
from pneumo_fastai.data.layouts.class_folders import kermany_patient


def test_every_kermany_name_tells_its_patient(shared):
    cohort = read_cohort(shared/'kermany-224')
    assert cohort.layout == 'class folders' and cohort.notes == []     # a lone train folder is no split, no name fell through
    assert np.bincount(cohort.table.label).tolist() == [1341, 3875]
    assert cohort.table.split.isna().all()
    assert cohort.table.groupby('label').patient.nunique().tolist() == [1211, 1635]
    assert cohort.table.patient.str.fullmatch(r'person\d+|(NORMAL2-)?IM-\d+').all()


def test_shipped_splits_other_classes_and_other_files(tmp_path, touch, has_note):
    touch(tmp_path, 'train/NORMAL/1.png', 'train/PNEUMONIA/1.png', 'train/COVID/x.png', 'train/COVID/y.png', 'val/normal/2.JPG',
          'val/Pneumonia/3.jpeg', 'val/Pneumonia/notes.txt', 'val/Pneumonia/Thumbs.db', '__MACOSX/z.png', 'train/.DS_Store', 'train/s.png')
    cohort = read_cohort(tmp_path)
    assert cohort.table.split.tolist() == ['train', 'train', 'valid', 'valid']
    assert cohort.table.label.tolist() == [0, 1, 1, 0]     # Pneumonia sorts before normal
    assert cohort.table.patient.nunique() == 4              # two classes' 1.png are two patients
    assert cohort.notes[:4] == ['folders left out: COVID (2 images)',
        '1 files in class folders left out: images are .dcm, .dicom, .png, .jpg, .jpeg', '1 images lie in no class folder: left out',
        '4 images whose name does not tell the patient: each counts as a patient of its own, so images of one patient may cross splits']
    assert has_note(cohort, 'the shipped valid split has only 2 images')


def test_lone_split_folder_is_no_split(tmp_path, touch):
    touch(tmp_path, 'test/no_pneumonia/a.png', 'test/positive/b.png')
    assert read_cohort(tmp_path).table.split.tolist() == [None, None]


def test_nested_folder_is_found_and_keeps_the_outer_name(tmp_path, touch):
    touch(tmp_path, 'xrays/chest_xray/train/NORMAL/IM-0115-0001.jpeg', 'xrays/chest_xray/train/PNEUMONIA/person1_virus_6.jpeg',
          'xrays/chest_xray/SYNTHETIC', 'xrays/__MACOSX/x')
    cohort = read_cohort(tmp_path/'xrays')
    assert cohort.name == 'xrays' and cohort.synthetic and cohort.table.patient.tolist() == ['IM-0115', 'person1']


def test_files_without_extension_count_where_they_bear_the_mark_of_dicom(tmp_path, touch):
    touch(tmp_path, 'NORMAL/a.dcm', 'PNEUMONIA/b.dcm', 'PNEUMONIA/README')
    for name in ('I0001', '1.2.840.5', '1.2.840.6'): (tmp_path/'PNEUMONIA'/name).write_bytes(bytes(128) + b'DICM')
    table = read_cohort(tmp_path).table
    assert len(table) == 5 and table.patient.isna().all()  # the header of a DICOM tells its patient


@pytest.mark.parametrize(('name', 'patient'), [
    ('person1000_bacteria_2931.jpeg', 'person1000'), ('person1_virus_6.jpeg', 'person1'), ('person447_virus_921_1.jpeg', 'person447'),
    ('IM-0115-0001.jpeg', 'IM-0115'), ('NORMAL2-IM-1406-0001.jpeg', 'NORMAL2-IM-1406'), ('IM-0523-0001-0002.jpeg', 'IM-0523'),
    ('NORMAL-1003233-0001.jpeg', '1003233'), ('BACTERIA-1008087-0003.jpeg', '1008087'),
    ('1.png', None), ('persona_3.jpeg', None), ('person12.jpeg', None), ('IM-0115.jpeg', None)])
def test_kermany_patient(name, patient): assert kermany_patient(name) == patient
