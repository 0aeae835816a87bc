import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumo_fastai.data.cohort import COLUMNS, read_cohort
from pneumo_fastai.data.layouts.class_folders import kermany_patient
from pneumo_fastai.errors import InputError

REAL = Path(__file__).parents[2].parent/'shared'/'data'
HEADER = 'patientId,x,y,width,height,Target'
MAPPING = 'pneumonia-challenge-dataset-mappings_2018.json'


def real(name):
    if not (REAL/name).is_dir(): pytest.skip(f'the real data set {name} is not beside the project')
    return REAL/name


def touch(folder, *names):
    for name in names:
        (folder/name).parent.mkdir(parents=True, exist_ok=True)
        (folder/name).touch()


def rsna_folder(folder, rows, ids='abcd', sep=',', mapping=None):
    "RSNA's layout with empty files: `rows` as lines with commas."
    touch(folder, *(f'stage_2_train_images/{i}.dcm' for i in ids))
    (folder/'stage_2_train_labels.csv').write_text('\n'.join([HEADER, *rows]).replace(',', sep) + '\n')
    if mapping is not None:
        (folder/MAPPING).write_text(json.dumps([dict(subset_img_id=k, img_id=v) for k, v in mapping.items()]))
    return folder


def manifest_folder(folder, text, files=('a.png', 'b.png', 'c.png')):
    touch(folder, *files)
    (folder/'manifest.csv').write_text(text)
    return folder


def wrong(data):
    "The error's line."
    with pytest.raises(InputError) as error: read_cohort(data)
    assert '\n' not in str(error.value)
    return str(error.value)


def rejected(cohort): return {Path(p).stem: reason for p, reason in cohort.rejected.itertuples(index=False)}
def has_note(cohort, text): return any(re.search(text, note) for note in cohort.notes)


GOOD = ['a,,,,,0', 'b,1,2,3,4,1', 'b,5.5,6,7,8,1', 'c,,,,,0', 'd,1,1,9,9,1']
PATIENTS = {'a':'00000001_000.png', 'b':'00000002_000.png', 'c':'00000001_004.png', 'd':'00000003_000.png'}


# Real data

def test_rsna_256_has_the_published_counts():
    cohort = read_cohort(real('rsna-256'))
    assert cohort.layout == 'RSNA' and cohort.name == 'rsna-256' and not cohort.synthetic
    assert len(cohort.table) == 1521 and cohort.table.label.sum() == 756
    assert cohort.table.patient.nunique() == 1233
    assert cohort.rejected.empty
    assert cohort.notes == ['3 images are not in the mapping: each is its own patient']
    assert cohort.table.detail.value_counts().to_dict() == {'Normal':765, 'Lung Opacity':756}
    assert all(x >= 0 and y >= 0 and x + w <= 256 and y + h <= 256 for boxes in cohort.table.boxes for x, y, w, h in boxes)


def test_rsna_16_boxes_stand_with_the_positives():
    table = read_cohort(real('rsna-16')).table
    counts = table.boxes.map(len)
    assert len(table) == 16 and table.label.sum() == 5 and counts.sum() == 10
    assert ((counts > 0) == (table.label == 1)).all()
    assert table.set_index(table.path.map(lambda p: Path(p).stem)).patient['0004cfab-14fd-4e49-80ba-63a80b6bddd6'] == '00019124'


def test_every_kermany_name_tells_its_patient():
    cohort = read_cohort(real('kermany-224'))
    assert cohort.layout == 'class folders' and cohort.notes == []     # a lone train folder is no split, no name fell through
    assert np.bincount(cohort.table.label).tolist() == [1341, 3875]
    assert cohort.table.split.isna().all()
    assert cohort.table.groupby('label').patient.nunique().tolist() == [1211, 1635]
    assert cohort.table.patient.str.fullmatch(r'person\d+|(NORMAL2-)?IM-\d+').all()


# RSNA

def test_table_keeps_its_promises(tmp_path):
    cohort = read_cohort(rsna_folder(tmp_path, GOOD, mapping=PATIENTS))
    table = cohort.table
    assert list(table) == COLUMNS and table.index.tolist() == [0, 1, 2, 3]
    assert table.path.tolist() == [str(tmp_path/'stage_2_train_images'/f'{i}.dcm') for i in 'abcd']
    assert table.patient.tolist() == ['00000001', '00000002', '00000001', '00000003']
    assert table.boxes.tolist() == [[], [(1., 2., 3., 4.), (5.5, 6., 7., 8.)], [], [(1., 1., 9., 9.)]]
    assert all(v is None for c in ('split', 'view', 'sex', 'detail') for v in table[c])
    assert table.age.isna().all() and table.age.dtype == float
    assert cohort.notes == [] and cohort.rejected.empty and list(cohort.rejected) == ['path', 'reason']


def test_semicolons_byte_order_mark_and_decimal_commas_read_the_same(tmp_path):
    want = read_cohort(rsna_folder(tmp_path/'x', GOOD)).table
    other = rsna_folder(tmp_path/'y', GOOD, sep=';')
    text = (other/'stage_2_train_labels.csv').read_text().replace('5.5', '5,5')
    (other/'stage_2_train_labels.csv').write_text('\ufeff' + text, encoding='utf-8')
    pd.testing.assert_frame_equal(read_cohort(other).table.drop(columns=['path']), want.drop(columns=['path']))


def test_no_mapping_is_said_and_each_image_is_a_patient(tmp_path):
    cohort = read_cohort(rsna_folder(tmp_path, GOOD))
    assert cohort.table.patient.tolist() == list('abcd')
    assert len(cohort.notes) == 1 and '\n' not in cohort.notes[0]
    assert all(word in cohort.notes[0] for word in ('70%', '11,400', MAPPING, 'https://www.rsna.org/'))


def test_images_outside_the_mapping_are_their_own_patient(tmp_path):
    cohort = read_cohort(rsna_folder(tmp_path, GOOD, mapping={k: v for k, v in PATIENTS.items() if k != 'c'}))
    assert cohort.table.patient[2] == 'c' and has_note(cohort, '^1 images are not in the mapping')


def test_contradictions_are_rejected_with_their_reason(tmp_path):
    rows = [*GOOD, 'e,,,,,0', 'e,1,2,3,4,1', 'f,,,,,2', 'g,1,2,3,4,0', 'h,,,,,', 'gone,,,,,0', ',,,,,0', 'z,0,0,0,0,0']
    cohort = read_cohort(rsna_folder(tmp_path, rows, ids='abcdefghxz', mapping=PATIENTS))
    reasons = rejected(cohort)
    assert reasons.pop('.dcm') == 'no patientId'
    assert reasons == {'e':'Target 0 and 1 in one patientId', 'f':'Target is neither 0 nor 1', 'g':'Target 0 with a box',
                       'h':'Target is neither 0 nor 1', 'gone':'no such file', 'x':'no label'}
    assert [Path(p).stem for p in cohort.table.path] == list('abcdz')     # a negative whose box was filled with zeros is one
    assert has_note(cohort, '^7 rejected: 2 Target is neither')


@pytest.mark.parametrize('row', ['e,,,,,1', 'e,1,2,,4,1', 'e,1,two,3,4,1', 'e,1,2,0,4,1', 'e,1,2,inf,4,1'])
def test_positive_without_a_readable_box_keeps_its_label(tmp_path, row):
    cohort = read_cohort(rsna_folder(tmp_path, [*GOOD, row], ids='abcde', mapping=PATIENTS))
    assert cohort.table.label[4] == 1 and cohort.table.boxes[4] == []
    assert has_note(cohort, "^1 positive images lack a box.*'e'")


def test_repeated_row_is_one_box_and_is_counted(tmp_path):
    cohort = read_cohort(rsna_folder(tmp_path, [*GOOD, GOOD[1]]))
    assert len(cohort.table.boxes[1]) == 2 and has_note(cohort, '^1 rows .* repeat another')


def test_detailed_class_is_read_and_must_agree(tmp_path):
    folder = rsna_folder(tmp_path, GOOD, mapping=PATIENTS)
    (folder/'stage_2_detailed_class_info.csv').write_text(
        'patientId;class\na;Normal\nb;Lung Opacity\nb;Lung Opacity\nc;No Lung Opacity / Not Normal\nd;Normal\n')
    cohort = read_cohort(folder)
    assert cohort.table.detail.tolist() == ['Normal', 'Lung Opacity', 'No Lung Opacity / Not Normal']
    assert rejected(cohort) == {'d':'Target and detailed class disagree'}


def test_dicom_is_preferred_to_its_copies_and_the_test_images_are_named(tmp_path):
    folder = rsna_folder(tmp_path, GOOD, mapping=PATIENTS)
    touch(folder, 'stage_2_train_images/a.png', 'stage_2_train_images/readme.txt', 'stage_2_test_images/q.dcm', '.DS_Store')
    cohort = read_cohort(folder)
    assert {Path(p).suffix for p in cohort.table.path} == {'.dcm'}
    assert cohort.notes == ['1 files are copies of an image in another format: left out',
                            '1 files in stage_2_train_images left out: no images',
                            'folders left out: stage_2_test_images (1 images)']


def test_other_names_and_images_beside_the_labels(tmp_path):
    touch(tmp_path, *(f'{i}.PNG' for i in 'abcd'))
    (tmp_path/'My_Train_Labels_v2.csv').write_text('\n'.join([HEADER.lower(), *GOOD]))
    assert len(read_cohort(tmp_path).table) == 4


# Class folders

def test_shipped_splits_other_classes_and_other_files(tmp_path):
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


def test_lone_split_folder_is_no_split(tmp_path):
    touch(tmp_path, 'test/no_pneumonia/a.png', 'test/positive/b.png')
    assert read_cohort(tmp_path).table.split.tolist() == [None, None]


def test_nested_folder_is_found_and_keeps_the_outer_name(tmp_path):
    touch(tmp_path, 'xrays/chest_xray/train/NORMAL/IM-0115-0001.jpeg', 'xrays/chest_xray/train/PNEUMONIA/person1_virus_6.jpeg',
          'xrays/chest_xray/SYNTHETIC', 'xrays/__MACOSX/x')
    cohort = read_cohort(tmp_path/'xrays')
    assert cohort.name == 'xrays' and cohort.synthetic and cohort.table.patient.tolist() == ['IM-0115', 'person1']


def test_files_without_extension_count_where_they_bear_the_mark_of_dicom(tmp_path):
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


# Manifest

def test_manifest_with_all_columns(tmp_path):
    touch(tmp_path, 'far/c.png')
    text = ('Path;Label;patient;split;view;age;sex\na.png;Normal;p1;train;PA;45,5;F\nb.png;pneumonia;p2;VAL;AP;051Y;M\n'
            f'{tmp_path}/far/c.png;1;p3;;;;\n')
    cohort = read_cohort(manifest_folder(tmp_path/'set', text))
    table = cohort.table.set_index(cohort.table.path.map(lambda p: Path(p).name))
    assert cohort.layout == 'manifest' and cohort.name == 'set'
    assert table.loc['a.png', COLUMNS[1:8]].tolist() == [0, 'p1', 'train', 'PA', 45.5, 'F', None]
    assert table.loc['b.png', ['label', 'split', 'age']].tolist() == [1, 'valid', 51.]
    assert table.loc['c.png', 'split'] is None and table.path['c.png'] == str(tmp_path/'far'/'c.png')
    assert has_note(cohort, '^1 images have no split')


def test_manifest_path_itself_and_no_patient(tmp_path):
    manifest_folder(tmp_path, 'path,label\na.png,no pneumonia\nsub/../b.png,1.0\n')
    (tmp_path/'manifest.csv').rename(tmp_path/'mine.csv')
    cohort = read_cohort(tmp_path/'mine.csv')
    assert cohort.table.patient.tolist() == [None, None] and cohort.table.path[1] == str(tmp_path/'b.png')
    assert has_note(cohort, '^2 images have no patient')


def test_manifest_duplicates_and_bad_rows(tmp_path):
    text = ('path,label,patient,age\na.png,0,p,\n./a.png,normal,p,\nb.png,1,q,old\nc.png,1,r,\nc.png,0,r,\nd.png,covid,s,\nnone.png,1,t,\n'
            ',1,u,\ne.png,1,v,\ne.png,1,w,\nf.txt,1,x,\n')
    cohort = read_cohort(manifest_folder(tmp_path, text, files=('a.png', 'b.png', 'c.png', 'd.png', 'e.png', 'f.txt')))
    assert [Path(p).stem for p in cohort.table.path] == ['a', 'b']
    reasons = rejected(cohort)
    assert reasons.pop('d').startswith("label 'covid' is none of 0, normal")
    assert reasons == {'c':'different labels', 'none':'no such file', '':'no path', 'e':'different patients or splits', 'f':'no image'}
    assert has_note(cohort, '^3 rows of manifest.csv repeat a path') and has_note(cohort, '^1 ages in manifest.csv')


def test_manifest_comes_first_then_rsna(tmp_path):
    touch(rsna_folder(tmp_path, GOOD), 'NORMAL/a.png', 'PNEUMONIA/b.png')
    assert read_cohort(tmp_path).layout == 'RSNA'
    assert read_cohort(manifest_folder(tmp_path, 'path,label\na.png,0\nb.png,1\n')).layout == 'manifest'


# Errors

def test_missing_folder_suggests_near_names(tmp_path):
    (tmp_path/'chest_xray').mkdir()
    assert f'did you mean {tmp_path}/chest_xray?' in wrong(tmp_path/'chest_xrya')
    assert 'give an existing folder' in wrong(tmp_path/'qqq')
    assert f'did you mean {tmp_path}/chest_xray?' in wrong(tmp_path/'chestxray'/'train')


def test_empty_and_unknown_folders(tmp_path):
    assert 'is empty' in wrong(tmp_path)
    touch(tmp_path, 'a.png', 'cats/b.png')
    line = wrong(tmp_path)
    assert 'holds a.png, cats' in line and all(layout in line for layout in ('manifest.csv', 'RSNA', 'NORMAL/'))
    assert 'neither a folder nor a .csv' in wrong(tmp_path/'a.png')


def test_labels_lacking_columns(tmp_path):
    folder = rsna_folder(tmp_path, GOOD)
    (folder/'stage_2_train_labels.csv').write_text('patientId,left,Target\na,1,0\n')
    assert 'lacks x, y, width, height: it has patientId, left, Target' in wrong(folder)
    assert 'lacks label: it has path' in wrong(manifest_folder(tmp_path/'m', 'path\na.png\n'))


@pytest.mark.parametrize('text', ['', 'path,label\na.png,0,1,2\n', 'path,label\na.png,0\nb.png,1,2\n'])
def test_unreadable_table(tmp_path, text):
    assert 'cannot be read as a table' in wrong(manifest_folder(tmp_path, text))


def test_table_in_another_encoding(tmp_path):
    (tmp_path/'manifest.csv').write_bytes('path,label\nä.png,0\n'.encode('latin-1'))
    assert 'UTF-8' in wrong(tmp_path)


def test_column_given_twice(tmp_path): assert 'column twice' in wrong(manifest_folder(tmp_path, 'path,label,Label\na.png,0,1\n'))


def test_unknown_split_lists_the_valid_ones(tmp_path):
    line = wrong(manifest_folder(tmp_path, 'path,label,split\na.png,0,train\nb.png,1,holdout\n'))
    assert "split 'holdout' is unknown; there are: train, val, valid, validation, test" in line


def test_one_class_only(tmp_path):
    touch(tmp_path, 'PNEUMONIA/a.png', 'PNEUMONIA/b.png')
    assert "2 images, all of class 'pneumonia': add images of class 'no pneumonia'" in wrong(tmp_path)


def test_no_image_at_all(tmp_path):
    touch(tmp_path/'x', 'NORMAL/a.txt', 'PNEUMONIA/b.txt')
    assert 'holds no image that can be used: images are .dcm' in wrong(tmp_path/'x')
    (tmp_path/'y'/'stage_2_train_images').mkdir(parents=True)
    assert re.search(r'4 were rejected, the first .*a\.dcm: no such file', wrong(rsna_folder(tmp_path/'y', GOOD, ids='')))


def test_ambiguous_or_foreign_rsna_files(tmp_path):
    folder = rsna_folder(tmp_path/'x', GOOD)
    (folder/MAPPING).write_text('{"a": 1}')
    assert "not RSNA's mapping" in wrong(folder)
    touch(tmp_path/'y', 'stage_1_train_labels.csv', 'old_train_labels.csv')
    assert 'several *train_labels*.csv: old_train_labels.csv, stage_1_train_labels.csv' in wrong(tmp_path/'y')


def test_a_missing_patient_as_r_or_python_write_it_is_missing(tmp_path):
    for i in range(4): (tmp_path/f'{i}.png').write_bytes(b'x')
    rows = [f'{i}.png,{i % 2},{p}\n' for i, p in enumerate(['NA', 'None', 'a', ''])]
    (tmp_path/'manifest.csv').write_text(''.join(['path,label,patient\n', *rows]))
    assert list(read_cohort(tmp_path).table.patient) == [None, None, 'a', None]


def test_a_name_that_is_not_utf8_is_rejected_with_its_reason(tmp_path):
    for name in (b'NORMAL/R\xf6ntgen.png', b'NORMAL/a.png', b'PNEUMONIA/b.png'):
        path = os.path.join(os.fsencode(tmp_path), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f: f.write(b'x')
    cohort = read_cohort(tmp_path)
    assert len(cohort.table) == 2 and cohort.rejected.reason.tolist() == ['its name is not UTF-8']
    cohort.rejected.to_csv(tmp_path/'rejected.csv')
